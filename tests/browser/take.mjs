// The chosen subnet taken away: by the buttons and by the commands, the same bytes that the API delivers.
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { OFAD, SOURCE } from '../contract/lib/world.mjs';
import { FAST, NETWORK, check, eventually } from './lib.mjs';
import { HASH, LIMITS, REQUEST, hashOf, settled } from './point.mjs';

const BUILD = process.env.OFA_BUILDDIR ?? SOURCE;
const PACKAGE = 'application/vnd.ofa.subnet';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function fetched(server, request, accept) {
	const reply = await fetch(`${server.url}/subnets`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json', Accept: accept },
		body: JSON.stringify(request),
	});
	check(reply.status === 200, `POST /subnets: ${reply.status} ${reply.status < 400 ? '' : await reply.text()}`);
	return { bytes: Buffer.from(await reply.arrayBuffer()) };
}

async function downloaded(page, button) {
	const [download] = await Promise.all([
		page.waitForEvent('download'),
		page.getByRole('button', { name: button, exact: true }).click(),
	]);
	return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

const FORMATS = [
	['Download package', PACKAGE, '.ofa'], ['ONNX', 'application/onnx', '.onnx'],
	['TFLite', 'application/vnd.tflite', '.tflite'], ['Manifest', 'application/json', '.json'],
];

async function taking(suite) {
	for (const dtype of ['float32', 'int8'])
		await suite.test(`downloads, ${dtype}`, { hash: hashOf({ profile: FAST, dtype, ...LIMITS }) }, async (page) => {
			await settled(page);
			const request = { ...REQUEST, dtype };
			for (const [button, accept, suffix] of FORMATS) {
				const got = await downloaded(page, button);
				const want = await fetched(suite.server, request, accept);
				check(sha256(got.bytes) === sha256(want.bytes), `${button}: other bytes than the API's`);
				const { id } = await suite.ask('subnets', request);
				check(got.name === `${NETWORK}-${dtype}-${id.slice(0, 8)}${suffix}`, `${button}: ${got.name}`);
				if (accept === PACKAGE) check(sha256(got.bytes) === id, 'the package is not what its id says');
			}
			check((await page.getByRole('button', { name: 'Signed manifest' }).count()) === 0, 'signed by nobody');
		});

	const signing = await suite.start('signing', [], { keys: true });
	await suite.test('signed', { hash: HASH, server: signing }, async (page) => {
		await settled(page);
		const { id, links } = await suite.ask('subnets', REQUEST, signing);
		for (const [button, link, suffix] of [['Signed manifest', links.signed_manifest, '.signed.json'],
			['Minisign signature', links.minisig, '.ofa.minisig']]) {
			const got = await downloaded(page, button), want = await fetch(`${signing.url}${link}`);
			check(got.bytes.equals(Buffer.from(await want.arrayBuffer())), `${button}: other bytes`);
			check(got.name === `${NETWORK}-float32-${id.slice(0, 8)}${suffix}`, got.name);
		}
	});
	await signing.stop();
}

// One worker, which is kept busy, so that a request becomes a job.
async function jobs(suite) {
	const busy = await suite.start('busy', ['--workers', '1', '--max-wait-seconds', '1']);
	const occupy = (n) => Promise.all(Array.from({ length: n }, (_, seed) => fetch(`${busy.url}/subnets`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json', Prefer: 'respond-async' },
		body: JSON.stringify({ limits: { macs: 5000000, storage_bytes: 1500000 }, seed: seed + n }),
	})));
	await suite.test('a job is waited for, and cancelled', { hash: HASH, server: busy }, async (page) => {
		await settled(page);
		await occupy(16);
		const cancel = page.getByRole('button', { name: 'Cancel' });
		let job = '';
		page.on('response', (r) => { job ||= r.status() === 202 ? r.headers().location : ''; });
		await page.getByRole('button', { name: 'Download package' }).click();
		await eventually(() => job, (at) => at !== '', 'a job');
		await page.getByRole('progressbar').waitFor();
		await cancel.click();
		await page.getByText('Download package: cancelled').waitFor();
		await eventually(() => suite.ask(job.slice(1), null, busy), ({ state }) => state === 'cancelled', 'the end of the job');
		const got = await downloaded(page, 'Download package'), want = await fetched(busy, REQUEST, PACKAGE);
		check(sha256(got.bytes) === sha256(want.bytes), 'other bytes than the API\'s');
	});
	await busy.stop();
}

const shell = promisify(execFile);

// Runs what the page says as a shell does, in a directory of its own; the file that it leaves.
async function run(command, env = {}) {
	const cwd = mkdtempSync(join(tmpdir(), 'ofad-point-'));
	try {
		await shell('sh', ['-c', command], {
			cwd, env: { ...process.env, PATH: `${join(BUILD, 'cli')}${delimiter}${process.env.PATH}`, ...env } });
		return readFileSync(join(cwd, /-o (\S+)$/.exec(command)[1]));
	} finally {
		rmSync(cwd, { recursive: true });
	}
}

const commands = (page) => page.locator('.command pre').allTextContents();

async function shells(suite) {
	const permissions = ['clipboard-read', 'clipboard-write'];
	const arch = (await suite.ask('searches', { ...REQUEST, limits: { macs: 3000000 } })).arch;
	const cases = {
		limits: { profile: FAST, ...LIMITS },
		'a latency': { profile: FAST, latency_ms: 0.1234567 },
		'limits and int8': { profile: FAST, dtype: 'int8', peak_memory_bytes: 30000, storage_bytes: 400000 },
		'an arch': { profile: FAST, arch },
		'no device': { dtype: 'float16', macs: 2500000 },
	};
	for (const [name, state] of Object.entries(cases))
		await suite.test(`commands: ${name}`, { hash: hashOf(state), context: { permissions } }, async (page) => {
			await settled(page);
			const { bytes } = await downloaded(page, 'Download package');
			for (const [i, command] of (await commands(page)).entries()) {
				await page.getByRole('button', { name: /^Copy the/ }).nth(i).click();
				await page.getByText('Copied').nth(i).waitFor();
				const copied = await page.evaluate(() => navigator.clipboard.readText());
				check(copied === command, 'something else was copied');
				check(sha256(await run(command)) === sha256(bytes), `other bytes by ${command}`);
			}
		});

	await suite.test('copied without a clipboard', { hash: HASH }, async (page) => {
		await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
		await page.reload();
		await settled(page);
		await page.getByRole('button', { name: 'Copy the curl command' }).click();
		await page.getByText('Copied').waitFor();
		const selected = await page.evaluate(() => getSelection().toString());
		check(selected === (await commands(page))[0], `selected: ${selected}`);
	});

	// a name that looks like an option
	const name = '-o.fashion', file = suite.world.path('odd.safetensors');
	execFileSync(join(BUILD, 'tests/server/make_network'),
		[name, join(SOURCE, 'models/fashion/recipe.json'), file, suite.world.path('odd.json')]);
	const odd = await suite.start('odd', [], { network: file, bare: true });
	await suite.test('commands with an odd name', { hash: '#point?macs=3000000', server: odd }, async (page) => {
		await settled(page);
		const got = await downloaded(page, 'Download package');
		check(got.name.startsWith('_o.fashion-float32-'), got.name);
		for (const command of await commands(page))
			check(sha256(await run(command)) === sha256(got.bytes), `other bytes by ${command}`);
	});
	await odd.stop();

	const closed = await suite.start('closed', [], { bare: true });
	const options = { hash: '#point?macs=2500000', server: closed, allow: [401] };
	await suite.test('commands with a token', options, async (page) => {
		await settled(page);
		const token = execFileSync(OFAD, ['token', 'add', '--data', closed.data, '--scope', 'read', '--scope', 'provision'],
			{ encoding: 'utf8' }).trim().split(/\s+/).at(-1);
		await eventually(() => fetch(`${closed.url}/networks`), ({ status }) => status === 401, 'a token is needed');
		await page.reload();
		await page.getByRole('textbox', { name: 'Token' }).fill(token);
		await page.getByRole('button', { name: 'Use it' }).click();
		await settled(page);
		const { bytes } = await downloaded(page, 'Download package');
		for (const command of await commands(page)) {
			check(command.includes('$TOKEN') && !command.includes(token), 'the token is shown');
			check(sha256(await run(command, { TOKEN: token })) === sha256(bytes), `other bytes by ${command}`);
		}
	});
	await closed.stop();
}

export async function area(suite) {
	for (const part of [taking, jobs, shells]) await part(suite);
}
