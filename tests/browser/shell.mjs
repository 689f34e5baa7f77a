// The frame: views, choices, theme, token, the page without script.
import { FAST, NETWORK, SIZES, SLOW, accessible, check, eventually, fits, picture } from './lib.mjs';

const VIEWS = ['front', 'point', 'try', 'devices', 'cost'];

// Each view as people are likely to have it; its pictures are those of the documentation.
async function lookAt(page, view, size) {
	await page.locator(`.view.${view} h2`).first().waitFor();
	await page.waitForLoadState('networkidle');
	if (view === 'front') await page.waitForFunction(() => performance.getEntriesByName('ofad:first-view').length > 0);
	await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
	await accessible(page);
	await fits(page);
	await picture(page, size === 'usual' ? view : `${view}-${size}`, { fullPage: true });
}

async function longNames(suite) {
	const names = [1, 2].map((n) => `a-vendor/${'of-many-words-'.repeat(8)}${n}`);
	const server = await suite.start('names');
	for (const name of names) await suite.putProfile(server, name, suite.table(1));
	const [long, other] = names.map(encodeURIComponent), more = [SLOW, FAST].map((name) => `&overlay=${encodeURIComponent(name)}`);
	const hashes = [`#front?profile=${long}&overlay=${other}${more.join('')}`, `#front?profile=${encodeURIComponent(FAST)}`, `#point?profile=${long}`, `#try?profile=${long}`,
		`#devices?profile=${long}&against=${other}`];
	for (const size of [SIZES.usual, SIZES.narrow])
		for (const hash of hashes)
			await suite.test(`long names, ${hash.split('?')[0]}, ${size.width} px`, { hash, size, server }, async (page) => {
				await page.locator('.view h2').first().waitFor({ state: 'attached' });
				await page.waitForLoadState('networkidle');
				await fits(page);
				const { height } = await page.locator('header.top').boundingBox();
				check(height < 160, `the frame is ${height} px high`);
				if (hash.includes('overlay')) await labelsApart(page, size.width);
			});
}

async function labelsApart(page, width) {
	const labels = page.locator('.chart text.device'), apart = (a, b) =>
		a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 4 || b.bottom <= a.top + 4;
	const boxes = await eventually(
		() => labels.evaluateAll((all) => all.map((label) => label.getBoundingClientRect().toJSON())),
		(all) => all.length === 4 && all.every((a, i) => all.every((b, k) => i === k || apart(a, b))), 'four names apart');
	check(boxes.every(({ left, right }) => left >= 0 && right <= width), 'a name is cut off');
}

export async function area(suite) {
	await longNames(suite);
	// once before, so that no view waits for the front of a profile that has just come
	for (const profile of [FAST, SLOW]) await suite.ask(`networks/${NETWORK}/pareto?profile=${profile}&metric=latency_ms`);
	const { latency_ms: least } = await suite.ask('searches', { profile: FAST, limits: { macs: 1.5e6 } });
	const on = `profile=${encodeURIComponent(FAST)}&latency_ms=${(2.5 * least).toPrecision(3)}`;
	const other = encodeURIComponent(SLOW);
	const details = {
		front: `${on}&overlay=${other}`,
		point: on,
		try: on,
		devices: `device=${other}&against=${encodeURIComponent(FAST)}`,
		cost: 'devices=10000',
	};
	for (const [size, scheme] of [['usual', 'light'], ['narrow', 'dark']])
		for (const view of VIEWS) {
			const options = { hash: `#${view}?${details[view]}`, size: SIZES[size], scheme };
			await suite.test(`${view}, ${size}, ${scheme}`, options, (page) => lookAt(page, view, size));
		}

	await suite.test('from view to view by keyboard', {}, async (page) => {
		await page.keyboard.press('Tab');
		check((await page.evaluate(() => document.activeElement.textContent)) === 'Skip to content', 'no way past the frame');
		for (const view of VIEWS.slice(1)) {
			const tab = page.locator(`nav a[href^="#${view}"]`);
			await tab.focus();
			await page.keyboard.press('Enter');
			await page.locator(`.view.${view} h2`).first().waitFor();
			check((await tab.getAttribute('aria-current')) === 'page', `${view} is not where one is`);
		}
		await page.goBack();
		await page.locator('.view.devices').waitFor();
	});

	await suite.test('choices are in the link', {}, async (page) => {
		await page.getByLabel('Device', { exact: true }).selectOption(FAST);
		await page.getByLabel('Type', { exact: true }).selectOption('int8');
		await page.waitForURL(/profile=acme%2Fphone.*dtype=int8/);
		await page.reload();
		await page.waitForFunction((name) => [...document.querySelectorAll('select')].some((s) => s.value === name), FAST);
		check((await page.getByLabel('Type', { exact: true }).inputValue()) === 'int8', 'the type is lost');
		check((await page.getByLabel('Network', { exact: true }).inputValue()) === NETWORK, 'no network');
	});

	await suite.test('a browser that keeps nothing', {}, async (page) => {
		await page.addInitScript(() => {
			for (const name of ['localStorage', 'sessionStorage'])
				Object.defineProperty(globalThis, name, { get() { throw new DOMException('denied', 'SecurityError'); } });
		});
		await page.reload();
		await page.getByRole('button', { name: 'Theme: auto' }).click();
		await page.getByRole('button', { name: 'Theme: light' }).waitFor();
		await page.locator('.view.front h2').first().waitFor();
	});

	await suite.test('a theme that stays', { scheme: 'light' }, async (page) => {
		const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		const light = await ground();
		await page.getByRole('button', { name: 'Theme: auto' }).click();
		check((await ground()) === light, 'light is not light');
		await page.getByRole('button', { name: 'Theme: light' }).click();
		check((await ground()) !== light, 'dark is light');
		await page.reload();
		await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
		check((await ground()) !== light, 'dark was forgotten');
	});
}
