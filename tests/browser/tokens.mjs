// A server that asks for a token, and one that goes away.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { OFAD } from '../contract/lib/world.mjs';
import { FAST, SIZES, accessible, check, eventually, fits } from './lib.mjs';

async function asking(suite) {
	const server = await suite.start('tokens');
	const make = (...scopes) => execFileSync(OFAD,
		['token', 'add', '--data', server.data, ...scopes.flatMap((scope) => ['--scope', scope])],
		{ encoding: 'utf8' }).trim().split(/\s+/).at(-1);
	const tokens = { reader: make('read'), taker: make('read', 'provision') };
	await eventually(() => fetch(`${server.url}/networks`), ({ status }) => status === 401, 'a token is needed');
	return { server, ...tokens };
}

async function give(page, token) {
	await page.getByRole('textbox', { name: 'Token' }).fill(token);
	await page.getByRole('button', { name: 'Use it' }).click();
}

export async function area(suite) {
	const { server, reader, taker } = await asking(suite);
	const options = { server, allow: [401, 403] };

	await suite.test('what can be no token, what is none, and one', { ...options, hash: '#cost' }, async (page) => {
		const dialog = page.getByRole('dialog');
		await give(page, 'tökén—');
		check(await dialog.isVisible(), 'what cannot be sent is taken');
		await give(page, 'ofad_nonsense');
		await dialog.getByText('That token was not accepted.').waitFor();
		await accessible(page, 'the dialog');
		await give(page, ` ${reader} `);
		await page.locator('.view.cost .finding').first().waitFor();
		await page.reload();
		await page.locator('.view.cost .finding').first().waitFor();
		check((await dialog.count()) === 0, 'the token is asked for again');
	});

	for (const size of [SIZES.usual, SIZES.narrow])
		await suite.test(`another token in the place of one that may only read, ${size.width} px`,
			{ ...options, size, hash: `#point?profile=${encodeURIComponent(FAST)}` }, async (page) => {
				await give(page, reader);
				await page.getByRole('button', { name: 'Download package' }).click();
				await page.locator('.taking').getByText('provision').waitFor();
				await fits(page);
				await page.getByRole('button', { name: 'Token: give another' }).click();
				await give(page, taker);
				const download = page.waitForEvent('download');
				await page.getByRole('button', { name: 'Download package' }).click();
				await download;
			});

	await suite.test('what may not be deleted stays chosen, and what is linked is fetched',
		{ ...options, hash: `#devices?profile=${encodeURIComponent(FAST)}` }, async (page) => {
			await give(page, reader);
			await page.getByRole('button', { name: `Delete ${FAST}` }).click();
			await page.getByRole('button', { name: 'Delete it' }).click();
			await page.locator('.profiles').getByRole('alert').getByText('profiles:write').waitFor();
			check((await page.locator('.device-facts h3').textContent()) === FAST, 'it is no longer chosen');
			check(page.url().includes('profile='), 'the front has lost its device');
			const fetched = page.waitForEvent('download');
			await page.getByRole('link', { name: 'Download it' }).click();
			const file = await fetched, profile = JSON.parse(readFileSync(await file.path(), 'utf8'));
			check(file.suggestedFilename() === 'acme-phone.json' && profile.latency_table, 'it is not the profile');
		});

	await suite.test('what a view still waited for is not said in the next', { hash: `#cost?profile=${encodeURIComponent(FAST)}` }, async (page) => {
		await page.locator('.view.cost .finding').first().waitFor();
		let go;
		const wait = new Promise((resolve) => { go = resolve; });
		await page.route('**/calibration', (route) => wait.then(() => route.abort()));
		const asked = page.waitForRequest('**/calibration'), failed = page.waitForEvent('requestfailed');
		await page.locator('nav a[href^="#devices"]').click();
		await asked;
		await page.locator('nav a[href^="#cost"]').click();
		await page.locator('.view.cost .finding').first().waitFor();
		go();
		await failed;
		await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
		check(await page.locator('.report').isHidden(), 'it is said');
	});

	await suite.test('a server that is away for a moment', { hash: '#cost' }, async (page, { context }) => {
		await page.locator('.view.cost .finding').first().waitFor();
		await page.locator('nav a[href^="#point"]').click();
		await page.locator('.view.point .numbers .figure').first().waitFor();
		await context.setOffline(true);
		await page.getByLabel('Type', { exact: true }).selectOption('int8');
		const report = page.getByRole('alert').filter({ hasText: 'The server does not answer.' });
		await report.waitFor();
		await page.locator('nav a[href^="#devices"]').click();
		await context.setOffline(false);
		await page.locator('nav a[href^="#point"]').click();
		await page.locator('.view.point .numbers .figure').first().waitFor();
		await report.waitFor({ state: 'hidden' });
		await context.setOffline(true);
		await page.getByLabel('Device', { exact: true }).selectOption(FAST);
		await report.waitFor();
		await context.setOffline(false);
		await page.getByRole('button', { name: 'Try again' }).click();
		await page.locator('.view.point .numbers').getByText(`on ${FAST}`).or(
			page.locator('.view.point .numbers').getByText('was not timed in int8')).first().waitFor();
		check(await report.isHidden(), 'it is still said that the server does not answer');
	});
}
