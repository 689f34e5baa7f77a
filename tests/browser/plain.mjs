// The page without JavaScript: where index.html leads, the form, the table, errors.
import { FAST, NETWORK, SIZES, accessible, check, fits, picture } from './lib.mjs';

const LOOKS = [
	['usual', 'light'],
	['usual', 'dark'],
	['narrow', 'light'],
	['huge', 'dark'],
];

export async function area(suite) {
	await suite.test('the dashboard leads to it', { script: false }, async (page) => {
		await page.waitForURL(/\/front$/);
		await page.getByRole('heading', { level: 1 }).waitFor();
	});

	await suite.test('from choices to a table', { script: false, hash: 'front' }, async (page) => {
		await page.getByLabel('Device profile').selectOption(FAST);
		await page.getByLabel('Against').selectOption('storage_bytes');
		await page.getByLabel('Type of packages').selectOption('int8');
		await page.getByRole('button', { name: 'Show' }).click();
		await page.waitForURL(/profile=acme%2Fphone&metric=storage_bytes&dtype=int8/);
		const query = new URLSearchParams({ profile: FAST, metric: 'storage_bytes', dtype: 'int8' });
		const { points } = await suite.ask(`networks/${NETWORK}/pareto?${query}`);
		const rows = page.locator('tbody tr');
		check((await rows.count()) === points.length, `${await rows.count()} rows of ${points.length}`);
		const cells = await rows.last().locator('th, td').allTextContents();
		const last = points.at(-1);
		check(cells[0] === (100 * last.predicted_accuracy).toFixed(2), cells.join(' | '));
		check(cells[4] === last.storage_bytes.toLocaleString('en'), cells.join(' | '));
		check((await page.getByLabel('Device profile').inputValue()) === FAST, 'the choice is forgotten');
	});

	// axe is a script, of which the page has none: it comes through the debugger
	for (const [size, scheme] of LOOKS) {
		const options = { size: SIZES[size], scheme, allow: [422] };
		await suite.test(`${size}, ${scheme}`, { ...options, hash: `front?profile=${FAST}` }, async (page) => {
			await page.locator('tbody tr').first().waitFor();
			await accessible(page);
			await fits(page);
			await picture(page, `plain-${size}-${scheme}`);
			await page.goto(page.url().replace(/\?.*/, '?metric=beauty'));
			await page.getByRole('alert').waitFor();
			const marked = await page.getByLabel('Against').getAttribute('aria-invalid');
			check(marked === 'true', 'the control to blame is not marked');
			await accessible(page);
			await fits(page);
			await picture(page, `plain-error-${size}-${scheme}`);
		});
	}
}
