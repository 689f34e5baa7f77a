// The dashboard in Chromium (software rendering), against a live ofad with the network that ships: the size of what is
// loaded, the time from navigation to the first view on a cloud of 50,000 subnets, and the time from a move of a limit
// to the new answer.
//   node bench/dashboard.mjs [--rounds N] [--drags N]      (default: 9 rounds, the first is warm-up; 60 moves each)
// Needs server/ofad and tests/server/make_network in OFA_BUILDDIR (default: this tree), static/dist, and the packages of
// tests/browser/package-lock.json, which tests/browser/run installs.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { FAST, SIZES, Suite } from '../tests/browser/lib.mjs';

const { values: options } = parseArgs({
	options: { rounds: { type: 'string', default: '9' }, drags: { type: 'string', default: '60' } },
});
const [rounds, drags] = [Number(options.rounds), Number(options.drags)];
const SAMPLES = 50000;
const tree = new URL('..', import.meta.url).pathname;

function quantile(numbers, q) {
	return [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * q))];
}

const row = (name, numbers, digits = 0) =>
	console.log(`| ${name} | ${[0.5, 0.9, 1].map((q) => quantile(numbers, q).toFixed(digits)).join(' | ')} | ${numbers.length} |`);

function printSizes() {
	const dist = join(tree, 'static/dist');
	const packed = (name) => gzipSync(readFileSync(join(dist, name)), { level: 9 }).length;
	const names = readdirSync(dist).filter((name) => !name.startsWith('.')).sort();
	const code = names.filter((name) => !name.endsWith('.wasm'));
	console.log('| file | bytes | gzip |\n|---|---|---|');
	for (const name of names) console.log(`| ${name} | ${readFileSync(join(dist, name)).length} | ${packed(name)} |`);
	console.log(`| all but WebAssembly | | ${code.reduce((sum, name) => sum + packed(name), 0)} |\n`);
}

// Milliseconds from the beginning of the navigation until cloud and front were drawn.
function firstView(page) {
	return page
		.waitForFunction(() => performance.getEntriesByName('ofad:first-view')[0]?.startTime, null, { timeout: 60000 })
		.then((handle) => handle.jsonValue());
}

// Moves the limit's line to and fro, a step at a time, each after the answer to the last.
async function drag(page, times) {
	const line = page.getByRole('slider').first();
	const box = await line.boundingBox();
	const y = box.y + box.height / 2;
	const taken = () => page.evaluate(() => performance.getEntriesByName('ofad:answer').length);
	await page.mouse.move(box.x + box.width / 2, y);
	await page.mouse.down();
	for (let i = 1; i <= drags; i++) {
		const before = await taken();
		await page.mouse.move(box.x + box.width / 2 - 4 * (i % 40), y);
		await page.waitForFunction((n) => performance.getEntriesByName('ofad:answer').length > n, before);
	}
	await page.mouse.up();
	times.push(...(await page.evaluate(() => performance.getEntriesByName('ofad:answer').map((m) => m.duration))));
}

printSizes();
const suite = await Suite.open();
// the kept front answers drags; a server computes it once for each profile, in the background
await suite.ask(`networks/fashion/pareto?profile=${FAST}&metric=latency_ms`);
const { latency_ms: middle } = await suite.ask('searches', { profile: FAST, limits: {} });
const views = [], warm = [], answers = [];
for (let round = 0; round < rounds; round++) {
	const context = await suite.browser.newContext({ viewport: SIZES.usual });
	const page = await context.newPage();
	const hash = `#front?profile=${encodeURIComponent(FAST)}&samples=${SAMPLES}&latency_ms=${middle * 0.6}`;
	await page.goto(`${suite.server.url}/${hash}`);
	const first = await firstView(page);
	if (round === 0) console.log(`first view, the server's samples not kept yet: ${first.toFixed(0)} ms\n`);
	else views.push(first);
	await page.reload();
	warm.push(await firstView(page));
	const times = [];
	await drag(page, times);
	if (round > 0) answers.push(...times);
	await context.close();
}
await suite.close();
console.log('| ms | median | p90 | most | of |\n|---|---|---|---|---|');
row(`first view, ${SAMPLES} subnets, empty browser cache`, views);
row('the same, reloaded', warm.slice(1));
row('limit moved to answer drawn', answers, 1);
