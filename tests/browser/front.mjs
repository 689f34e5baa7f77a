// The front: every axis, the limits, the points, zoom, devices side by side.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SOURCE } from '../contract/lib/world.mjs';
import { FAST, NETWORK, SIZES, SLOW, accessible, check, eventually, fits, picture } from './lib.mjs';

const BUILD = process.env.OFA_BUILDDIR ?? SOURCE;
const AXES = {
	Latency: { metric: 'latency_ms', title: /^Latency \((µs|ms)/ },
	MACs: { metric: 'macs', title: /^MACs \(M/ },
	'Peak memory': { metric: 'peak_memory_bytes', title: /^Peak memory \(kB/ },
	'Package size': { metric: 'storage_bytes', title: /^Package size \(MB/ },
};
const device = (name) => `profile=${encodeURIComponent(name)}`;
const percent = (accuracy) => `${(accuracy * 100).toFixed(2)} %`;

const until = (what, holds) => eventually(holds, Boolean, what);
const marks = (page) => page.locator('.fronts [role=button]');
const entry = (page, name) => page.getByLabel(name, { exact: true }).and(page.locator('input[type=number]'));
const slider = (page) => page.getByRole('slider');
const figure = (page) => page.locator('.answer .figure');
const ready = (page) => page.waitForFunction(() => performance.getEntriesByName('ofad:first-view').length > 0);
const query = (page) => new URLSearchParams(new URL(page.url()).hash.split('?')[1] ?? '');

// The answer that is shown is what the server answers to the limits that the link holds.
async function agrees(suite, page, server) {
	await until('the answer shown is that of POST /searches', async () => {
		const q = query(page), limits = {};
		for (const { metric } of Object.values(AXES)) if (q.get(metric)) limits[metric] = Number(q.get(metric));
		const body = { network: NETWORK, dtype: q.get('dtype') ?? 'float32', limits };
		if (q.get('profile')) body.profile = q.get('profile');
		const answer = await suite.ask('searches', body, server);
		return (await figure(page).textContent()) === percent(answer.predicted_accuracy) && answer;
	});
}

// From the middle of the grip, in steps that each are a move of the pointer.
async function drag(page, locator, by, steps = 20) {
	const box = await locator.boundingBox();
	const x = box.x + box.width / 2, y = box.y + box.height / 2;
	await page.mouse.move(x, y);
	await page.mouse.down();
	for (let i = 1; i <= steps; i++) {
		await page.mouse.move(x + (by * i) / steps, y);
		await page.waitForTimeout(25);
	}
	await page.mouse.up();
}

async function axes(suite) {
	await suite.test('each resource is an axis', { hash: `#front?${device(FAST)}` }, async (page, { server }) => {
		await ready(page);
		for (const [name, { metric, title }] of Object.entries(AXES)) {
			await page.getByRole('radio', { name }).check({ force: true });
			const { points } = await suite.ask(`networks/${NETWORK}/pareto?${device(FAST)}&metric=${metric}`, null, server);
			await until(`${points.length} points`, async () => (await marks(page).count()) === points.length &&
				(await page.locator('.axis .title').allTextContents()).some((text) => title.test(text)));
			const label = await marks(page).first().getAttribute('aria-label');
			check(label.startsWith(percent(points[0].predicted_accuracy)), `the first point is ${label}`);
			check((query(page).get('x') ?? 'latency_ms') === metric, 'the axis is not in the link');
			check((await page.locator('.axis .tick').count()) >= 6, 'hardly any ticks');
		}
	});

	await suite.test('the cloud is painted', { hash: `#front?${device(FAST)}&samples=50000` }, async (page) => {
		await ready(page);
		const painted = await page.evaluate(() => {
			const canvas = document.querySelector('canvas.cloud');
			const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
			let n = 0;
			for (let i = 3; i < data.length; i += 4) n += data[i] > 0;
			return n / (data.length / 4);
		});
		check(painted > 0.02 && painted < 0.9, `${painted} of the canvas is painted`);
	});
}

async function limits(suite) {
	await suite.test('numbers are seen whole on a phone',
		{ hash: `#front?${device(FAST)}&latency_ms=0.169723&macs=7654321`, size: SIZES.narrow }, async (page) => {
			const inputs = page.locator('.limit-row input');
			await eventually(() => inputs.evaluateAll((all) => all.map(({ value }) => value)),
				([latency, macs]) => latency === '0.169723' && macs === '7.65432', 'both limits');
			const cut = await inputs.evaluateAll((all) => all.filter((i) => i.scrollWidth > i.clientWidth).map((i) => i.value));
			check(cut.length === 0, `cut off: ${cut}`);
			await fits(page);
		});

	await suite.test('the limit is dragged', { hash: `#front?${device(SLOW)}&samples=50000` }, async (page, { server }) => {
		await ready(page);
		await page.evaluate(() => {
			const { putImageData } = CanvasRenderingContext2D.prototype;
			globalThis.paints = 0;
			CanvasRenderingContext2D.prototype.putImageData = function (...all) {
				globalThis.paints++;
				return putImageData.apply(this, all);
			};
			performance.clearMeasures();
		});
		let open = 0, most = 0;
		const answers = new Set();
		page.on('request', (r) => r.url().endsWith('/searches') && (most = Math.max(most, ++open)));
		page.on('requestfinished', (r) => r.url().endsWith('/searches') && open--);
		const watching = setInterval(() => figure(page).textContent().then((text) => answers.add(text), () => {}), 50);
		await drag(page, slider(page).locator('.grip'), -500, 60);
		clearInterval(watching);
		await agrees(suite, page, server);
		check(answers.size > 3, `the answer moved through ${answers.size} values`);
		check(most === 1, `${most} searches at once`);
		check((await page.evaluate(() => globalThis.paints)) === 0, 'the cloud was painted anew');
		// how long each took is for bench/dashboard.mjs to say
		const told = await page.evaluate(() => performance.getEntriesByName('ofad:answer').length);
		check(told >= 10, `${told} durations of answers`);
		check(query(page).has('latency_ms'), 'the limit is not in the link');
		await page.goBack();
		await page.waitForFunction(() => !location.hash.includes('latency_ms'));
		await agrees(suite, page, server);
	});

	await suite.test('the limit moves by keys', { hash: `#front?x=macs` }, async (page, { server }) => {
		await ready(page);
		await slider(page).focus();
		check((await slider(page).getAttribute('aria-valuetext')) === 'no limit', 'there is a limit already');
		for (let i = 0; i < 8; i++) await page.keyboard.press('PageDown');
		const before = Number(await slider(page).getAttribute('aria-valuenow'));
		await agrees(suite, page, server);
		await page.keyboard.press('ArrowLeft');
		await until('a little less', async () => Number(await slider(page).getAttribute('aria-valuenow')) < before);
		await agrees(suite, page, server);
		await page.keyboard.press('Home');
		await agrees(suite, page, server);
		await page.keyboard.press('End');
		await until('no limit', async () => (await slider(page).getAttribute('aria-valuetext')) === 'no limit');
		await page.waitForFunction(() => !location.hash.includes('macs='));
	});

	await suite.test('limits as numbers', { hash: `#front?${device(SLOW)}` }, async (page, { server }) => {
		await ready(page);
		await entry(page, 'MACs').fill('3');
		await entry(page, 'Package size').fill('700');
		await page.waitForURL(/macs=3000000.*storage_bytes=700000/);
		await agrees(suite, page, server);
		check((await page.locator('.mark.broken').count()) > 0, 'no point of the front is faint');
		await page.getByRole('button', { name: 'Clear the limit on MACs' }).click();
		await page.getByRole('button', { name: 'Clear the limit on size' }).click();
		await page.waitForFunction(() => !/macs=|storage/.test(location.hash));
		await agrees(suite, page, server);
		check((await page.locator('.mark.broken').count()) === 0, 'points are faint without limits');
	});

	const refused = { hash: `#front?${device(FAST)}&x=macs`, allow: [422] };
	await suite.test('what no subnet keeps', refused, async (page, { server }) => {
		await ready(page);
		const ranges = page.locator('.limit-row .hint');
		check((await ranges.first().textContent()).startsWith('about '), 'samples know the range of latencies');
		const input = entry(page, 'MACs');
		await input.fill('0.1');
		await page.locator('.answer .refusal').getByText(/MACs can be 846 k to 14.4 M/).waitFor();
		await page.locator('.limit.refused').waitFor();
		check((await input.getAttribute('aria-invalid')) === 'true', 'the number is not marked');
		await accessible(page, 'a refusal');
		check(!(await ranges.allTextContents()).join().includes('about'), 'the server told the ranges');
		await input.fill('2');
		await page.waitForURL(/macs=2000000/);
		await page.locator('.limit.refused').waitFor({ state: 'detached' });
		await agrees(suite, page, server);
	});
}

async function points(suite) {
	await suite.test('a pointer over a point', { hash: '#front?x=macs' }, async (page, { server }) => {
		await ready(page);
		const { points: all } = await suite.ask(`networks/${NETWORK}/pareto?metric=macs`, null, server);
		const i = Math.floor(all.length / 2);
		await marks(page).nth(i).hover({ force: true });
		const tooltip = page.locator('.tooltip');
		await tooltip.getByText(percent(all[i].predicted_accuracy)).waitFor();
		check((await tooltip.textContent()).includes(`${all[i].arch.image_size} px`), 'the tooltip has no image size');
		await page.mouse.move(5, 5);
		await tooltip.waitFor({ state: 'hidden' });
		await page.locator('.front-table summary').click();
		await page.locator('.front-table tbody tr').nth(i).hover();
		await tooltip.getByText(percent(all[i].predicted_accuracy)).waitFor();
		await page.locator('.mark.lit').waitFor();
	});

	await suite.test('every point by keyboard, and a choice', { hash: '#front?x=macs' }, async (page, { server }) => {
		await ready(page);
		const { points: all } = await suite.ask(`networks/${NETWORK}/pareto?metric=macs`, null, server);
		await page.locator('.fronts [role=button][tabindex="0"]').focus();
		for (const [i, point] of all.entries()) {
			const label = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
			check(label.startsWith(percent(point.predicted_accuracy)), `${i}: ${label}`);
			if (i < all.length - 1) await page.keyboard.press('ArrowRight');
		}
		await page.keyboard.press('Home');
		for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
		await page.keyboard.press('Enter');
		await page.waitForURL(/arch=/);
		check(query(page).get('arch') === JSON.stringify(all[5].arch), 'another arch was chosen');
		await page.getByText('Your choice').waitFor();
		await until('its numbers', async () => (await figure(page).textContent()) === percent(all[5].predicted_accuracy));
		check((await page.locator('.fronts [aria-pressed=true]').count()) === 1, 'no point is pressed');
		const seeIt = await page.getByRole('link', { name: 'See it' }).getAttribute('href');
		check(seeIt.includes('arch='), 'See it shows another');
		await page.getByRole('button', { name: 'Pin to compare' }).click();
		await page.waitForURL(/pinned=/);
		await slider(page).focus();
		await page.keyboard.press('PageDown');
		await page.waitForFunction(() => !location.hash.includes('arch='));
		await page.locator('.marker.pinned[visibility=visible]').waitFor();
		await agrees(suite, page, server);
	});

	await suite.test('zoom', { hash: '#front?x=macs' }, async (page) => {
		await ready(page);
		const box = await page.locator('.ground .overlay').boundingBox();
		const at = (x, y) => [box.x + box.width * x, box.y + box.height * y];
		const width = () => { const [x0, x1] = query(page).get('zoom').split(','); return x1 / x0; };
		await page.mouse.move(...at(0.2, 0.4));
		await page.mouse.down();
		await page.mouse.move(...at(0.4, 0.6), { steps: 4 });
		await page.mouse.move(...at(0.6, 0.8), { steps: 4 });
		await page.mouse.up();
		await page.waitForURL(/zoom=/);
		const first = width();
		await page.mouse.wheel(0, -300);
		await until('zoomed in by the wheel', () => width() < first);
		const [x0] = query(page).get('zoom').split(',').map(Number);
		await page.mouse.move(...at(0.5, 0.6));
		await page.mouse.down();
		await page.mouse.move(...at(0.6, 0.6), { steps: 4 });
		await page.mouse.up();
		await until('moved', async () => Number(query(page).get('zoom').split(',')[0]) < x0);
		await page.locator('.fronts [role=button]').last().focus();
		await until('the focused point in sight', async () => {
			const point = await page.locator('.fronts [role=button]').last().boundingBox();
			return point.x > box.x && point.x < box.x + box.width;
		});
		await page.mouse.dblclick(...at(0.5, 0.95));
		await page.waitForFunction(() => !location.hash.includes('zoom='));
		await page.getByRole('button', { name: 'Zoom in' }).click();
		await page.waitForURL(/zoom=/);
		await page.getByRole('button', { name: 'Reset' }).click();
		await page.waitForFunction(() => !location.hash.includes('zoom='));
		check(await page.getByRole('button', { name: 'Zoom out' }).isDisabled(), 'there is still more to see');
	});
}

async function devices(suite) {
	await suite.test('devices side by side', { hash: `#front?${device(FAST)}` }, async (page, { server }) => {
		await ready(page);
		await page.getByLabel('Compare with').selectOption(SLOW);
		await page.getByRole('group', { name: `Pareto front of ${SLOW}` }).waitFor();
		const slow = await suite.ask(`networks/${NETWORK}/pareto?${device(SLOW)}&metric=latency_ms`, null, server);
		check((await page.getByRole('group', { name: `Pareto front of ${SLOW}` }).getByRole('button').count()) ===
			slow.points.length, 'points are missing');
		check((await page.locator('.steps').count()) === 2, 'not two fronts');
		check(query(page).get('overlay') === SLOW, 'the device is not in the link');
		await page.locator('.front-table summary').click();
		await accessible(page, 'two devices and the table');
		await page.getByRole('radio', { name: 'MACs' }).check({ force: true });
		await page.getByText('differs in latency only').waitFor();
		await page.getByRole('button', { name: `Remove ${SLOW}` }).click();
		await page.waitForFunction(() => !location.hash.includes('overlay'));
	});

	await suite.test('no device at all', { hash: '#front', server: suite.bare }, async (page) => {
		await ready(page);
		await page.getByText('No device is known here').waitFor();
		check(await page.getByRole('radio', { name: 'Latency' }).isDisabled(), 'latency of no device');
		check(await page.getByRole('radio', { name: 'MACs' }).isChecked(), 'MACs are not the axis');
	});

	const other = { hash: `#front?${device(FAST)}&dtype=int8` };
	await suite.test('latencies of another type', other, async (page, { server }) => {
		await ready(page);
		await page.getByText('ofa measure --dtype int8').waitFor();
		await agrees(suite, page, server);
	});
}

// What depends on the network's file or on a server that takes its time.
async function unusual(suite) {
	const published = [
		{ name: 'Small-1', accuracy: 0.93, macs: 2.5e6, storage_bytes: 8e5, source: 'Somebody, 2026' },
		{ name: 'Timed-1', accuracy: 0.94, latency_ms: { [FAST]: 0.5 }, source: 'Somebody else, 2025' },
		{ name: 'Quantised-1', accuracy: 0.92, macs: 2e6, dtype: 'int8', source: 'A third, 2024' },
	];
	const server = await withCard(suite, published);
	await suite.test('published points', { hash: '#front?x=macs', server }, async (page) => {
		await ready(page);
		const points = page.getByRole('group', { name: 'Published reference points' }).getByRole('img');
		check((await points.count()) === 1, `${await points.count()} published points have MACs in float32`);
		await points.first().focus();
		await page.locator('.tooltip').getByText('Somebody, 2026').waitFor();
		const label = await points.first().getAttribute('aria-label');
		check(label === 'Small-1: 93.00 % at 2.5 M, Somebody, 2026', label);
		await page.locator('.front-table summary').click();
		const rows = await page.locator('.front-table tr.published').allTextContents();
		check(rows.join().includes('Timed-1'), 'not in the table');
		await accessible(page, 'published points');
		await picture(page, 'front-published');
	});
	await suite.test('published latencies', { hash: `#front?${device(FAST)}`, server }, async (page) => {
		await ready(page);
		await page.getByRole('img', { name: 'Timed-1: 94.00 % at 500 µs' }).waitFor();
	});

	const unmeasured = await suite.start('browser-unmeasured', [], {
		network: suite.world.path('network.safetensors'), bare: true,
	});
	await suite.test('a type that nobody measured', { hash: '#front?dtype=float16', server: unmeasured }, async (page) => {
		await page.getByText('ofa predictor fit --dtype float16').waitFor();
		check((await marks(page).count()) === 0, 'points without accuracy');
		await accessible(page, 'an empty chart');
	});

	await suite.test('the cloud does not wait for the front', { hash: '#cost' }, async (page) => {
		await page.route('**/pareto*', async (route) => {
			await new Promise((resolve) => setTimeout(resolve, 1500));
			await route.continue();
		});
		await page.evaluate(() => { location.hash = '#front?x=macs'; });
		await page.getByText('Searching the front').waitFor();
		check((await marks(page).count()) === 0, 'a front before its time');
		check((await page.locator('.axis .tick').count()) > 6, 'no cloud by then');
		await ready(page);
		await page.getByText('Searching the front').waitFor({ state: 'hidden' });
	});

	await suite.test('a device with limits of its own', { hash: '#cost' }, async (page, { server: main }) => {
		await suite.putProfile(main, 'acme/small', { ...suite.table(1), limits: { macs: 3e6 } });
		await page.goto(`${main.url}/#front?profile=acme%2Fsmall&x=macs`);
		await ready(page);
		await page.getByText('the device has 3 M').waitFor();
		check((await slider(page).getAttribute('aria-valuetext')) === '3 M', 'the line is elsewhere');
		check((await page.locator('.mark.broken').count()) > 0, 'no point is beyond');
		await agrees(suite, page, main);
	});
}

async function withCard(suite, published) {
	const references = suite.world.path('references.json'), network = suite.world.path('card.safetensors');
	writeFileSync(references, JSON.stringify(published));
	execFileSync(join(BUILD, 'cli/ofa'),
		['card', join(SOURCE, 'models/fashion/fashion.safetensors'), '--references', references, '-o', network]);
	return suite.start('browser-card', [], { network });
}

async function everywhere(suite) {
	const hash = `#front?network=${NETWORK}&${device(SLOW)}&overlay=${encodeURIComponent(FAST)}&x=latency_ms&macs=4000000` +
		'&zoom=0.2,6,0.92,0.95';
	for (const [size, scheme] of [['usual', 'light'], ['narrow', 'dark'], ['huge', 'light'], ['usual', 'dark']]) {
		const options = { hash, size: SIZES[size], scheme };
		await suite.test(`a link restores it: ${size}, ${scheme}`, options, async (page, { server }) => {
			await ready(page);
			await until('two fronts', async () => (await page.locator('.steps').count()) === 2);
			check((await entry(page, 'MACs').inputValue()) === '4', 'the limit is lost');
			check(!(await page.getByRole('button', { name: 'Reset' }).isDisabled()), 'the zoom is lost');
			await agrees(suite, page, server);
			await accessible(page);
			await fits(page);
			await picture(page, `front-${size}-${scheme}`);
		});
	}

	const phone = { hash: `#front?${device(SLOW)}`, size: SIZES.narrow, context: { hasTouch: true } };
	await suite.test('by touch', phone, async (page, { context, server }) => {
		await ready(page);
		const cdp = await context.newCDPSession(page);
		const touch = (type, ...points) => cdp.send('Input.dispatchTouchEvent', {
			type, touchPoints: points.map(([x, y], id) => ({ x, y, id })),
		});
		const grip = await slider(page).locator('.grip').boundingBox();
		const x = grip.x + grip.width / 2, y = grip.y + grip.height / 2;
		await touch('touchStart', [x, y]);
		for (let i = 1; i <= 10; i++) await touch('touchMove', [x - 15 * i, y]);
		await touch('touchEnd');
		await page.waitForURL(/latency_ms=/);
		await agrees(suite, page, server);

		const plot = await page.locator('.ground .overlay').boundingBox();
		const middle = [plot.x + plot.width / 4, plot.y + plot.height / 2];
		await touch('touchStart', middle);
		for (let i = 1; i <= 10; i++) await touch('touchMove', [middle[0], middle[1] - 12 * i]);
		await touch('touchEnd');
		await until('a finger on the chart scrolls the page', () => page.evaluate(() => scrollY > 60));
		await page.evaluate(() => scrollTo(0, 0));
		await page.waitForTimeout(1000); // for what is left of the scroll's momentum
		const fingers = (apart) => [[middle[0] - apart, middle[1]], [middle[0] + apart, middle[1]]];
		await touch('touchStart', ...fingers(30));
		for (let apart = 35; apart <= 80; apart += 5) await touch('touchMove', ...fingers(apart));
		await touch('touchEnd');
		await page.waitForURL(/zoom=/);
		const [from, to] = query(page).get('zoom').split(',').map(Number);
		check(to > from, 'no zoom');
	});
}

export async function area(suite) {
	suite.bare ??= await suite.start('browser-bare', [], { bare: true });
	// Fronts are computed once; the paths below are those of a server that has them.
	for (const name of [FAST, SLOW])
		for (const { metric } of Object.values(AXES))
			await suite.ask(`networks/${NETWORK}/pareto?${device(name)}&metric=${metric}`);
	await axes(suite);
	await limits(suite);
	await points(suite);
	await devices(suite);
	await unusual(suite);
	await everywhere(suite);
}
