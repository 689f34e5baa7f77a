// The chosen subnet: drawn as it is, with the API's figures, and compared.
import { FAST, NETWORK, SIZES, accessible, check, eventually, fits, picture } from './lib.mjs';

export const LIMITS = { macs: 4000000, peak_memory_bytes: 150000 };
export const REQUEST = { network: NETWORK, dtype: 'float32', profile: FAST, limits: LIMITS };
export const HASH = `#point?${new URLSearchParams({ profile: FAST, ...LIMITS })}`;

export function hashOf(values) {
	const pairs = Object.entries(values);
	return `#point?${new URLSearchParams(pairs.map(([k, v]) => [k, typeof v === 'object' ? JSON.stringify(v) : v]))}`;
}

export const settled = (page) => page.locator('.view.point[aria-busy="false"]').waitFor();

// "2.95 M" -> 2950000, "301 µs" -> 0.301 (ms)
function number(text) {
	const [, value, unit] = /^([\d.,]+)\s*(.*)$/.exec(text.trim()) ?? [];
	const scale = { k: 1e3, M: 1e6, G: 1e9, B: 1, kB: 1e3, MB: 1e6, ms: 1, 'µs': 1e-3, s: 1e3, '%': 0.01, px: 1 };
	return Number(value.replaceAll(',', '')) * (scale[unit] ?? 1);
}

// Three digits are shown.
function near(shown, value, what) {
	const read = number(shown);
	check(Math.abs(read - value) <= 0.006 * Math.abs(value), `${what}: ${shown} is shown, it is ${value}`);
}

const figures = (page) => page.evaluate(() => Object.fromEntries(
	[...document.querySelectorAll('.numbers > div')].map((div) => [
		div.querySelector('dt').textContent, div.querySelector('.figure').textContent])));

async function planOf(suite, request, server) {
	const { arch } = await suite.ask('searches', request, server);
	const { limits, ...rest } = request;
	return suite.ask('plans', { ...rest, arch }, server);
}

const leftOut = ({ stages }) => stages.reduce((sum, { blocks, active }) => sum + blocks - active, 0);

async function drawing(suite) {
	await suite.test('the subnet as a drawing', { hash: HASH }, async (page) => {
		await settled(page);
		const plan = await planOf(suite, REQUEST);
		const drawn = await page.evaluate(() => {
			const svg = document.querySelector('.net-frame svg');
			const box = (element) => element.getBBox();
			return {
				role: svg.getAttribute('role'),
				words: document.getElementById(svg.getAttribute('aria-describedby')).textContent,
				skipped: svg.querySelectorAll('.cell.skipped').length,
				images: ['.image', '.largest-image'].map((name) => box(svg.querySelector(name)).width),
				units: [...svg.querySelectorAll('.cell[data-unit]')].map((cell) => {
					const shape = cell.querySelector('.shape');
					return {
						unit: Number(cell.dataset.unit),
						form: shape.localName === 'polygon' ? 'cut' : shape.hasAttribute('rx') ? 'round' : 'square',
						length: box(shape).width,
						thickness: box(shape).height,
						residual: cell.querySelector('.residual') !== null,
						se: cell.querySelector('.se') !== null,
						text: cell.textContent,
					};
				}),
			};
		});
		check(drawn.role === 'img' && drawn.words.includes('Stage 1: '), 'the drawing has no words');
		check(drawn.units.length === plan.units.length, `${drawn.units.length} units of ${plan.units.length}`);
		const skipped = leftOut(plan);
		check(drawn.skipped === skipped, `${drawn.skipped} blocks are faint, ${skipped} are left out`);
		const forms = { 3: 'square', 5: 'cut', 7: 'round' };
		const blocks = drawn.units.filter(({ unit }) => plan.units[unit].stage !== null);
		const first = blocks[0], mid = (block) => plan.units[block.unit].mid;
		for (const block of blocks) {
			const unit = plan.units[block.unit], what = `stage ${unit.stage + 1}, block ${unit.block + 1}`;
			check(block.form === forms[unit.kernel], `${what}: kernel ${unit.kernel} is ${block.form}`);
			check(block.text.includes(`k${unit.kernel}×${unit.expand}`), `${what} says ${block.text}`);
			check(block.text.includes('÷2') === unit.stride > 1, `${what}: its stride`);
			check(block.residual === unit.residual && block.se === unit.se, `${what}: residual or squeeze`);
			const thickness = first.thickness * Math.sqrt(mid(block) / mid(first));
			check(Math.abs(block.thickness - thickness) < 0.6, `${what}: thickness ${block.thickness}, not ${thickness}`);
		}
		const { resolutions } = await suite.ask(`networks/${NETWORK}`);
		const share = plan.image_size / Math.max(...resolutions);
		check(Math.abs(drawn.images[0] / (drawn.images[1] + 2) - share) < 0.01, `the image: ${drawn.images}`);
		await accessible(page);
		await picture(page, 'point-chosen');
	});

	await suite.test('figures and sums are the API\'s', { hash: HASH }, async (page) => {
		await settled(page);
		const plan = await planOf(suite, REQUEST), shown = await figures(page);
		near(shown.Accuracy, plan.predicted_accuracy, 'accuracy');
		near(shown.Latency, plan.latency_ms, 'latency');
		near(shown.MACs, plan.macs, 'MACs');
		near(shown['Peak memory'], plan.peak_memory_bytes, 'memory');
		near(shown.Package, plan.storage_bytes, 'package');
		near(shown.Parameters, plan.params, 'parameters');
		near(shown.Image, plan.image_size, 'image');
		await page.getByText('Every unit as a table').click();
		const table = await page.evaluate(() => {
			const names = [...document.querySelectorAll('table.units thead th')].map((th) => th.textContent);
			return [...document.querySelectorAll('table.units tr')].slice(1).map((row) =>
				Object.fromEntries([...row.children].map((cell, i) => [names[i], cell.textContent])));
		});
		const together = table.pop(), around = table.pop();
		check(table.length === plan.units.length, `${table.length} rows`);
		const sum = (name) => table.reduce((total, row) => total + (row[name] === '–' ? 0 : number(row[name])), 0);
		for (const [name, whole] of [['MACs', plan.macs], ['Time', plan.latency_ms], ['Parameters', plan.params],
			['Bytes', plan.storage_bytes - plan.overhead_bytes]])
			check(Math.abs(sum(name) - whole) < 0.01 * whole, `${name}: ${sum(name)} in the table, ${whole} in all`);
		near(around.Bytes, plan.overhead_bytes, 'the bytes around');
		near(together.Bytes, plan.storage_bytes, 'the bytes together');
		check(Math.abs(sum('Share of time') - 1) < 0.03, `shares add up to ${sum('Share of time')}`);
		const widths = await page.evaluate(() =>
			[...document.querySelectorAll('svg.time rect')].map((rect) => Number(rect.getAttribute('width')) + 1));
		const all = widths.reduce((a, b) => a + b, 0);
		plan.units.forEach((unit, i) => {
			const share = unit.latency_ms / plan.latency_ms;
			check(Math.abs(widths[i] / all - share) < 0.006, `unit ${i} has ${widths[i] / all} of the bar, takes ${share}`);
		});
	});

	await suite.test('memory over the layers', { hash: HASH }, async (page) => {
		await settled(page);
		const plan = await planOf(suite, REQUEST);
		const chart = page.locator('svg.memory');
		const bars = await chart.evaluate((svg) => [...svg.querySelectorAll('.solid')].map((bar) => bar.getBBox().height));
		check(bars.length === plan.memory.length, `${bars.length} bars, ${plan.memory.length} layers`);
		const most = Math.max(...plan.memory.map(({ bytes }) => bytes));
		check(most === plan.peak_memory_bytes, 'the layers do not reach the peak');
		plan.memory.forEach(({ bytes }, i) =>
			check(Math.abs(bars[i] / Math.max(...bars) - bytes / most) < 0.01, `layer ${i} is ${bars[i]} high`));
		check((await chart.textContent()).includes('limit 150 kB'), 'no limit');
		await page.getByText('Every layer as a table').click();
		await eventually(() => page.locator('table.layers tbody tr').count(), (n) => n === plan.memory.length, 'all layers');
	});

	const one = { hash: hashOf({ ...LIMITS, profile: 'acme/one' }), allow: [404] };
	await suite.test('units that were timed as one', one, async (page) => {
		const profile = suite.table(1);
		for (const entries of Object.values(profile.latency_table.entries)) {
			const keys = Object.keys(entries);
			entries[keys.find((key) => key.startsWith('Conv-'))] =
				{ included_in: keys.find((key) => key.includes('output:') && key.includes('expand:16-')) };
		}
		await suite.putProfile(suite.server, 'acme/one', profile);
		await page.reload();
		await settled(page);
		const plan = await planOf(suite, { ...REQUEST, profile: 'acme/one' });
		check(plan.units[0].latency_included_in === plan.units[1].latency_key, 'the table says otherwise');
		await page.locator('.walk').first().hover();
		await page.locator('.unit-line').getByText('with first').waitFor();
		near((await figures(page)).Latency, plan.latency_ms, 'latency');
		const gone = await fetch(`${suite.server.url}/profiles/acme/one`, { method: 'DELETE', headers: { 'If-Match': '*' } });
		check(gone.ok, `DELETE: ${gone.status}`);
	});

	await suite.test('without a device, by MACs', { hash: '#point?macs=4000000' }, async (page) => {
		await settled(page);
		const shown = await figures(page);
		check(shown.Latency === 'unknown', `latency ${shown.Latency}`);
		await page.getByText('Where the work is').waitFor();
		await page.getByRole('link', { name: 'A device with a latency table' }).click();
		await page.locator('.view.devices').waitFor();
	});
}

async function walking(suite) {
	await suite.test('a block is shown everywhere', { hash: HASH }, async (page) => {
		await settled(page);
		const plan = await planOf(suite, REQUEST), index = plan.units.findIndex((unit) => unit.stage === 1);
		await page.locator(`.walk[data-unit="${index}"]`).hover();
		const line = page.locator('.unit-line');
		check((await line.locator('h3').textContent()) === 'Stage 2, block 1', 'another block is named');
		const facts = await line.evaluate((element) => Object.fromEntries(
			[...element.querySelectorAll('dl > div')].map((div) => [...div.children].map((child) => child.textContent))));
		const unit = plan.units[index];
		check(facts.Input === unit.input.join(' × ') && facts.Output === unit.output.join(' × '), `${facts.Input}`);
		near(facts.MACs, unit.macs, 'MACs');
		near(facts.Bytes, unit.storage_bytes, 'bytes');
		near(facts.Time, unit.latency_ms, 'time');
		const on = (name) => page.locator(`svg.${name} .cell.on`).evaluateAll((all) =>
			all.map((g) => Number(g.dataset.unit)));
		check((await on('net')).join() === String(index), 'not in the drawing');
		check((await on('time')).join() === String(index), 'not in the bar');
		const layers = plan.memory.filter((layer) => layer.unit === index).length;
		check((await on('memory')).length === layers, 'not in the chart');
		await page.locator('svg.time .cell').last().hover();
		check((await line.locator('h3').textContent()) === 'Classifier', 'the bar leads nowhere');
	});

	await suite.test('by keyboard alone', { hash: HASH }, async (page) => {
		await settled(page);
		const focused = () => page.evaluate(() =>
			document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent);
		for (let i = 0; i < 40 && !(await focused()).startsWith('Stem:'); i++) await page.keyboard.press('Tab');
		check((await focused()).startsWith('Stem:'), 'the drawing is not reached');
		await page.keyboard.press('ArrowRight');
		check((await focused()).startsWith('First block:'), `after the stem: ${await focused()}`);
		await page.keyboard.press('End');
		check((await focused()).startsWith('Classifier:'), `at the end: ${await focused()}`);
		await page.keyboard.press('Home');
		for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Enter');
		const title = page.locator('.unit-line h3'), name = await title.textContent();
		await page.keyboard.press('Tab');
		check(!(await focused()).startsWith('Stage'), 'one tab does not leave the drawing');
		check((await title.textContent()) === name && name.startsWith('Stage'), 'what was chosen is not kept');
		await page.getByRole('button', { name: 'Pin this one' }).focus();
		await page.keyboard.press('Enter');
		await page.getByRole('button', { name: 'Unpin' }).focus();
		await page.keyboard.press('Space');
		await page.getByRole('button', { name: 'Pin this one' }).waitFor();
	});
}

async function comparing(suite) {
	await suite.test('against the largest and a pinned one', { hash: HASH }, async (page) => {
		await settled(page);
		await page.getByRole('button', { name: 'Pin this one' }).click();
		await page.getByText('The chosen subnet is the pinned one.').waitFor();
		const pinned = await planOf(suite, REQUEST);
		await page.evaluate((macs) => { location.hash = location.hash.replace('macs=4000000', `macs=${macs}`); }, 8000000);
		await page.locator('.sentences li').first().waitFor();
		const chosen = await planOf(suite, { ...REQUEST, limits: { ...LIMITS, macs: 8000000 } });
		const rows = await page.evaluate(() => Object.fromEntries(
			[...document.querySelectorAll('table.against tbody tr')].map((row) => {
				const [name, ...cells] = [...row.children].map((cell) => cell.textContent);
				return [name, cells];
			})));
		near(rows.MACs[0], chosen.macs, 'chosen');
		near(rows.MACs[3], pinned.macs, 'pinned');
		const ratio = (chosen.macs / pinned.macs).toFixed(1);
		check(rows.MACs[4] === `${ratio}× more MACs`, `${rows.MACs[4]}, not ${ratio}`);
		const points = Math.abs((chosen.predicted_accuracy - pinned.predicted_accuracy) * 100).toFixed(2);
		check(rows['Predicted accuracy'][4].startsWith(`${points} points`), rows['Predicted accuracy'][4]);
		const { space } = await suite.ask(`networks/${NETWORK}`);
		const most = (choices) => Math.max(...choices);
		const each = (gene) => space.stages.flatMap((stage) => Array(most(stage.depths)).fill(most(stage[gene])));
		const arch = { ks: each('kernels'), e: each('expands'), d: space.stages.map(({ depths }) => most(depths)),
			image_size: most(space.resolutions) };
		const largest = await suite.ask('plans', { ...REQUEST, limits: undefined, arch });
		near(rows.MACs[1], largest.macs, 'largest');
		check(rows.MACs[2] === `${(largest.macs / chosen.macs).toFixed(1)}× fewer MACs`, rows.MACs[2]);
		check((await page.locator('.side svg.net').count()) === 2, 'not two drawings');
		const left = await page.locator('.side svg.net').evaluateAll((all) =>
			all.map((svg) => svg.querySelectorAll('.skipped').length));
		const skipped = [chosen, pinned].map(leftOut);
		check(left.join() === skipped.join(), `${left} blocks are left out, not ${skipped}`);
		const block = (plan, stage, i) => {
			const unit = plan.units.find((u) => u.stage === stage && u.block === i);
			return unit && `${unit.kernel} ${unit.mid}`;
		};
		const differ = chosen.stages.reduce((sum, { blocks }, stage) => sum + Array.from({ length: blocks }).filter(
			(_, i) => block(chosen, stage, i) !== block(pinned, stage, i)).length, 0);
		const marked = await page.locator('.side svg .differs').count();
		check(differ > 0 && marked === 2 * differ, `${marked} marks for ${differ} blocks`);
		await accessible(page);
		await picture(page, 'point-pinned');
		await page.reload();
		await settled(page);
		await page.getByRole('button', { name: 'Swap with the pinned one' }).click();
		await page.waitForFunction(() => location.hash.includes('&arch='));
		await settled(page);
		near((await figures(page)).MACs, pinned.macs, 'swapped');
		await page.getByRole('button', { name: 'Unpin' }).click();
		await page.waitForFunction(() => !location.hash.includes('pinned'));
	});
}

async function refusing(suite) {
	await suite.test('limits that nothing keeps', { hash: '#point?macs=1000', allow: [422] }, async (page) => {
		await settled(page);
		const text = await page.locator('.refused').textContent();
		check(text.includes('no subnet has macs of 1000 or less') && text.includes('Smallest'), text);
		check(await page.getByRole('button', { name: 'Download package' }).isDisabled(), 'nothing can be downloaded');
		await accessible(page);
		await page.getByRole('link', { name: 'Without limits' }).click();
		await page.locator('.numbers .figure').first().waitFor();
		await page.goBack();
		await page.getByRole('link', { name: 'Back to the front' }).click();
		await page.locator('.view.front').waitFor();
	});

	await suite.test('an arch that is none', { hash: '#point?arch={"ks":[9]}', allow: [422] }, async (page) => {
		await settled(page);
		check((await page.locator('.refused').textContent()).includes('ks'), 'the gene is not named');
		await page.getByRole('link', { name: 'The best within the limits instead' }).click();
		await page.locator('.numbers .figure').first().waitFor();
	});

	await suite.test('a device that is none', { hash: HASH, allow: [404] }, async (page) => {
		await settled(page);
		await page.evaluate(() => { location.hash = '#point?profile=nobody'; });
		await page.locator('.report').waitFor();
		check((await page.locator('.report').textContent()).includes('nobody'), 'it is not named');
		check(await page.locator('.numbers').isHidden(), 'figures of another device are shown');
		check(await page.getByRole('button', { name: 'Download package' }).isDisabled(), 'something can be downloaded');
	});

	await suite.test('a pinned arch that is none', { hash: '#point?pinned={"ks":[9]}', allow: [422] }, async (page) => {
		await settled(page);
		check((await page.locator('.trouble').textContent()).includes('ks'), 'the gene is not named');
		await page.getByRole('button', { name: 'Unpin' }).click();
		await page.locator('.trouble').waitFor({ state: 'detached' });
	});
}

async function looks(suite) {
	for (const [size, scheme] of [['narrow', 'light'], ['narrow', 'dark'], ['usual', 'dark'], ['huge', 'light']])
		await suite.test(`${size}, ${scheme}`, { hash: HASH, size: SIZES[size], scheme }, async (page) => {
			await settled(page);
			await page.locator('.walk').nth(3).focus();
			await accessible(page);
			await fits(page);
			const low = await page.locator('.walk').evaluateAll((all) =>
				all.some((button) => button.offsetWidth < 32 || button.offsetHeight < 32));
			check(!low, 'a block is too small for a finger');
			const tall = await page.locator('svg.net.tall').count();
			check(tall === (size === 'narrow' ? 1 : 0), 'the drawing runs the wrong way');
			await picture(page, `point-${size}-${scheme}`);
		});

	await suite.test('two rows', { hash: HASH, size: { width: 800, height: 1000 } }, async (page) => {
		await settled(page);
		const rows = await page.locator('.net-frame .shape').evaluateAll((shapes) => {
			const middles = shapes.map((shape) => shape.getBBox()).map(({ y, height }) => Math.round(y + height / 2));
			return [...new Set(middles)];
		});
		check(rows.length === 2 && rows[0] < rows[1], `rows at ${rows}`);
		await fits(page);
	});

	await suite.test('nothing moves when the answer changes', { hash: HASH }, async (page) => {
		await settled(page);
		const tops = () => page.evaluate(() =>
			[...document.querySelectorAll('.point section')].map((section) => section.offsetTop));
		const before = await tops();
		await page.evaluate(() => { location.hash = location.hash.replace('macs=4000000', 'macs=6000000'); });
		await page.getByText('within MACs of 6 M').waitFor();
		check((await tops()).join() === before.join(), `from ${before} to ${await tops()}`);
	});
}

export async function area(suite) {
	for (const part of [drawing, walking, comparing, refusing, looks]) await part(suite);
}
