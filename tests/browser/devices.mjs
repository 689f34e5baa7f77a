// Devices: uploading, good and bad, replacing, deleting; coverage, comparison, and what devices reported.
import { execFileSync } from 'node:child_process';
import { OFAD } from '../contract/lib/world.mjs';
import { FAST, NETWORK, SIZES, SLOW, accessible, check, eventually, fits, picture } from './lib.mjs';

const STEM = 'Conv-input:28x28x1-output:28x28x16';
const BLOCK = 'expanded_conv-input:28x28x16-output:28x28x16-expand:16-kernel:3-stride:1-idskip:1-se:0-hs:0';

const profile = (entries, more = {}) => ({ latency_table: { unit: 'ms', entries: { 28: entries } }, ...more });
const pretty = (value) => JSON.stringify(value, null, 2);

// Rows as once-for-all publishes them, of all the keys; `fault` (key, field) puts something wrong into one.
function yaml(keys, change = (_key, row) => row) {
	return keys.map((key, i) => {
		const row = change(key, { count: 100, mean: (0.01 * (i + 1)).toFixed(2), std: 0.001 });
		return `${key}:\n${Object.entries(row).map(([name, value]) => `  ${name}: ${value}\n`).join('')}`;
	}).join('');
}

const lineOf = (text, part) => text.split('\n').findIndex((line) => line.includes(part)) + 1;

// Documents that no server takes, and the line that is to blame; null: none is.
function bad(keys) {
	const negative = pretty(profile({ [STEM]: { mean: 0.5 }, [BLOCK]: { std: 0.01, mean: -1 } }));
	const unknown = pretty(profile({ [STEM]: { mean: 0.5, median: 0.4 }, [BLOCK]: { mean: 1 } }));
	const slashes = pretty(profile({ [STEM]: { mean: 1 }, 'Foo/bar~"x"': { mean: 1 } }));
	const noMean = pretty(profile({ [STEM]: { mean: 1 }, [BLOCK]: { count: 3 } }));
	const included = pretty(profile({ [STEM]: { mean: 1 }, [BLOCK]: { included_in: 'Conv_1-input:4x4x64-output:4x4x256' } }));
	const yamlNegative = yaml(keys, (key, row) => key === BLOCK ? { ...row, mean: -3 } : row);
	const yamlField = yaml(keys, (key, row) => key === keys[40] ? { ...row, median: 3 } : row);
	return [
		['JSON cut short', '{\n "limits": {\n  "macs": 1', 3],
		['JSON with a comma too many', '{\n "limits": {"macs": 1},\n}', 3],
		['a name that is there twice', '{\n "name": "a",\n "description": "",\n "name": "b"\n}', 4],
		['a negative mean', negative, lineOf(negative, '"mean": -1')],
		['a field that there is not', unknown, lineOf(unknown, 'median')],
		['a key that is none', slashes, lineOf(slashes, 'Foo')],
		['a row without a mean', noMean, lineOf(noMean, BLOCK)],
		['a row included in none', included, lineOf(included, BLOCK)],
		['a unit that there is not', '{\n "latency_table": {\n  "unit": "s",\n  "entries": {}\n }\n}', 3],
		['a limit that there is not', '{\n "limits": {\n  "macs": 1e6,\n  "latency": 3\n }\n}', 4],
		['a table that covers nothing', pretty(profile({ [STEM]: { mean: 1 } })), 4],
		['another name than in the path', '{\n "name": "other"\n}', 2],
		['one long line', JSON.stringify(profile(Object.fromEntries(keys.map((key) => [key, { mean: key === BLOCK ? 0 : 1 }])))), 1],
		['a table in JSON without a unit', pretty({ [STEM]: { mean: 1 }, [BLOCK]: { mean: 1 } }), null],
		['YAML with a negative mean', yamlNegative, lineOf(yamlNegative, BLOCK)],
		['YAML with a field that there is not', yamlField, lineOf(yamlField, 'median')],
		['YAML that is none', `${STEM}:\n  mean: 1\n foo\n`, 3],
		['YAML with an anchor', `${STEM}: &a\n  mean: 1\n`, 1],
		['YAML with a row twice', `${STEM}:\n  mean: 1\n${BLOCK}:\n  mean: 1\n${STEM}:\n  mean: 2\n`, 5],
		['YAML by resolution', `unit: ms\n28:\n  ${STEM}:\n    mean: 1\n  ${BLOCK}:\n    mean: .nan\n`, 5],
		['YAML of a unit that there is not', `${BLOCK}:\n  mean: 1\nunit: min\n`, 3],
	];
}

const form = (page) => ({
	text: page.locator('textarea[name=document]'),
	name: page.locator('input[name=profile]'),
	button: page.getByRole('button', { name: 'Upload', exact: true }),
	outcome: page.locator('.upload .outcome'),
	file: page.locator('.upload input[type=file]'),
});

const file = (name, text) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) });

async function uploads(suite, server, keys) {
	const whole = suite.table(3);
	const options = { hash: '#devices', server };

	await suite.test('upload JSON from a file', options, async (page) => {
		const { file: input, name, button, outcome } = form(page);
		await input.setInputFiles(file('note.json', JSON.stringify({ ...whole, name: 'acme/note' })));
		await eventually(() => name.inputValue(), (value) => value === 'acme/note', 'the name of the document');
		await button.click();
		await outcome.getByText('acme/note is stored, revision 1, with 384 entries').waitFor();
		await page.locator('.device-facts h3', { hasText: 'acme/note' }).waitFor();
		check(page.url().includes('device=acme%2Fnote'), `the link is ${page.url()}`);
		await page.locator('.profiles').getByRole('link', { name: 'acme/note', exact: true }).waitFor();
		const stored = await suite.ask('profiles/acme/note', undefined, server);
		check(JSON.stringify(stored.latency_table.entries[28][BLOCK]) === JSON.stringify(whole.latency_table.entries[28][BLOCK]),
			'another entry is stored');
	});

	await suite.test('upload YAML by dropping it', options, async (page) => {
		const { name, button, outcome } = form(page);
		const transfer = await page.evaluateHandle(([text, title]) => {
			const data = new DataTransfer();
			data.items.add(new File([text], title));
			return data;
		}, [yaml(keys), '28_lookup_table.yaml']);
		const view = page.locator('.devices-view');
		await view.dispatchEvent('dragenter', { dataTransfer: transfer });
		check(await view.evaluate((element) => element.classList.contains('dropping')), 'nothing says where to drop');
		await view.dispatchEvent('drop', { dataTransfer: transfer });
		await eventually(() => name.inputValue(), (value) => value === '28_lookup_table', 'the name of the file');
		check(!await view.evaluate((element) => element.classList.contains('dropping')), 'it still says where to drop');
		check((await page.locator('select[name=format]').inputValue()) === 'yaml', 'it is not taken for YAML');
		await name.fill('acme/yaml');
		await button.click();
		await outcome.getByText('Understood as a table of the form mbv3 with 96 rows for one resolution, in ms').waitFor();
		await page.locator('.coverage').getByText('Complete at 28 px; subnets at 14, 20, 24 px have no predicted latency.').waitFor();
	});

	await suite.test('upload what is pasted, by keyboard', { ...options, size: SIZES.narrow }, async (page) => {
		const { text, name, button, outcome } = form(page);
		await text.focus();
		await page.keyboard.insertText('{"name": "acme/pasted", "limits": {"macs": 4000000}}');
		check((await name.inputValue()) === 'acme/pasted', 'the name of the document is not taken');
		while (!await button.evaluate((element) => element === document.activeElement)) await page.keyboard.press('Tab');
		await page.keyboard.press('Enter');
		await outcome.getByText('acme/pasted is stored, revision 1, with 0 entries').waitFor();
	});

	await suite.test('a unit beside the document', { ...options, allow: [422] }, async (page) => {
		const { text, name, button, outcome } = form(page);
		await text.fill(JSON.stringify(Object.fromEntries(keys.map((key) => [key, { mean: 500 }]))));
		await name.fill('acme/micro');
		await button.click();
		await outcome.getByText('nothing says in which unit of time the table is').waitFor();
		await page.locator('select[name=unit]').selectOption('us');
		await button.click();
		await outcome.getByText('in us (as given)').waitFor();
		const stored = await suite.ask('profiles/acme/micro', undefined, server);
		check(stored.latency_table.entries[28][BLOCK].mean === 0.5, `500 us are ${stored.latency_table.entries[28][BLOCK].mean} ms`);
	});

	await suite.test('bytes that are no UTF-8', options, async (page) => {
		const { file: input, name, button } = form(page);
		await input.setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{\n"description": "caf\xe9"}', 'latin1') });
		await name.fill('acme/latin');
		await button.click();
		await page.locator('.listing .wrong[data-line="2"]', { hasText: 'not UTF-8' }).waitFor();
	});
}

async function refusals(suite, server, keys) {
	const options = { hash: '#devices', server, allow: [400, 422] };
	for (const [what, text, line] of bad(keys))
		await suite.test(`refused: ${what}`, options, async (page) => {
			const { text: area, name, button, outcome } = form(page);
			await area.fill(text);
			await name.fill('acme/bad');
			const [response] = await Promise.all([page.waitForResponse((r) => r.request().method() === 'PUT'), button.click()]);
			const { errors } = await response.json();
			const said = errors[0].detail.replace(/^line \d+(, column \d+)?: /, '');
			await outcome.getByText('Not stored.').waitFor();
			if (line === null) {
				await outcome.getByText(said).waitFor();
				check((await page.locator('.wrong').count()) === 0, 'a line is blamed');
				return;
			}
			const wrong = page.locator('.listing .wrong').first();
			check((await wrong.getAttribute('data-line')) === String(line), `line ${await wrong.getAttribute('data-line')} is blamed, not ${line}`);
			check((await wrong.locator('.fault').textContent()) === said, `it says "${await wrong.locator('.fault').textContent()}"`);
			check(await wrong.evaluate((element) => element === document.activeElement), 'the line has not the focus');
		});

	await suite.test('refused: many rows, each at its line', options, async (page) => {
		const { text: area, name, button, outcome } = form(page);
		const wrong = [3, 40, 90];
		const text = yaml(keys, (key, row) => wrong.includes(keys.indexOf(key)) ? { ...row, mean: -1 } : row);
		await area.fill(text);
		await name.fill('acme/bad');
		await button.click();
		await outcome.getByText('3 faults').waitFor();
		const lines = await page.locator('.listing .wrong').evaluateAll((all) => all.map((line) => Number(line.dataset.line)));
		check(lines.join() === wrong.map((i) => lineOf(text, keys[i])).join(), `lines ${lines} are blamed`);
		check(await page.locator('.wrong').first().evaluate((element) => element === document.activeElement), 'the first has not the focus');
		const json = pretty(profile(Object.fromEntries(keys.map((key, i) => [key, { mean: wrong.includes(i) ? 0 : 1 }]))));
		await area.fill(json);
		await button.click();
		await page.locator('.wrong', { hasText: '"mean": 0' }).first().waitFor();
		const blamed = await page.locator('.listing .wrong').evaluateAll((all) => all.map((line) => Number(line.dataset.line)));
		check(blamed.join() === wrong.map((i) => lineOf(json, keys[i]) + 1).join(), `lines ${blamed} are blamed`);
		await page.locator('.listing .gap button').first().click();
		check((await page.locator('.listing li').first().getAttribute('data-line')) === '1', 'the first line is not shown');
	});

	await suite.test('the faulty line is edited, and all is well', { ...options, size: SIZES.narrow, scheme: 'dark' }, async (page) => {
		const { text, name, button, outcome } = form(page);
		await text.fill('{\n "description": "",\n "limits": {\n  "macs": -5\n }\n}');
		await name.fill('acme/edited');
		await button.click();
		await page.locator('.wrong[data-line="4"]').waitFor();
		await accessible(page);
		await fits(page);
		await picture(page, 'devices-fault');
		await page.getByRole('button', { name: 'Edit line 4' }).click();
		await page.keyboard.type('  "macs": 5000000');
		await button.click();
		await outcome.getByText('acme/edited is stored, revision 1').waitFor();
	});
}

async function replacing(suite, server) {
	const options = { hash: '#devices', server };
	const put = async (page, limits) => {
		const { text, name, button } = form(page);
		await text.fill(JSON.stringify({ limits }));
		await name.fill('acme/limits');
		await button.click();
	};
	const revision = async () => (await suite.ask('profiles/acme/limits/revisions', undefined, server)).revisions[0].revision;

	await suite.test('replacing asks', { ...options, allow: [428, 412] }, async (page) => {
		const { outcome } = form(page);
		await put(page, { macs: 5e6 });
		await outcome.getByText('acme/limits is stored, revision 1').waitFor();
		await put(page, { macs: 5e6 });
		await outcome.getByText('acme/limits is this already, revision 1').waitFor();
		await put(page, { macs: 6e6 });
		await page.getByRole('dialog', { name: 'Replace acme/limits?' }).waitFor();
		await page.getByRole('button', { name: 'Cancel' }).click();
		await outcome.getByText('Nothing was replaced.').waitFor();
		check((await revision()) === 1, 'it was replaced all the same');
		await put(page, { macs: 6e6 });
		await page.getByRole('dialog').waitFor();
		// another does it while the question stands
		await fetch(`${server.url}/profiles/acme/limits`, {
			method: 'PUT', headers: { 'Content-Type': 'application/json', 'If-Match': '*' }, body: '{"limits":{"macs":7000000}}',
		});
		await page.getByRole('button', { name: 'Replace it' }).click();
		await page.getByRole('dialog', { name: 'It has changed meanwhile' }).getByText('revision 2').waitFor();
		await page.getByRole('button', { name: 'Replace it' }).click();
		await outcome.getByText('acme/limits is replaced, revision 3').waitFor();
		await page.locator('.device-facts').getByText('MACs ≤ 6 M').waitFor();
	});

	await suite.test('deleting asks, by keyboard', { ...options, hash: '#devices?device=acme/limits' }, async (page) => {
		await page.locator('.device-facts h3', { hasText: 'acme/limits' }).waitFor();
		const button = page.getByRole('button', { name: 'Delete acme/limits' });
		await button.focus();
		await page.keyboard.press('Enter');
		await page.getByRole('dialog', { name: 'Delete acme/limits?' }).waitFor();
		await page.keyboard.press('Escape');
		check(await button.evaluate((element) => element === document.activeElement), 'the focus is lost');
		await page.keyboard.press('Enter');
		await page.getByRole('button', { name: 'Delete it' }).focus();
		await page.keyboard.press('Enter');
		await button.waitFor({ state: 'detached' });
		await page.getByText('Choose a device to see its table.').waitFor();
		const reply = await fetch(`${server.url}/profiles/acme/limits`);
		check(reply.status === 404, `the server says ${reply.status}`);
		// another than the chosen one
		await page.getByRole('button', { name: 'Delete acme/pasted' }).click();
		await page.getByRole('button', { name: 'Delete it' }).click();
		await eventually(() => page.getByLabel('Device', { exact: true }).locator('option').allTextContents(),
			(names) => names.includes('acme/note') && !names.includes('acme/pasted'), 'the choice of devices without it');
	});

	await suite.test('a link to a device that there is not', { ...options, hash: '#devices?device=nobody', allow: [404] }, async (page) => {
		await page.locator('.detail').getByText('nobody').waitFor();
		await page.locator('.profiles').getByRole('link', { name: 'acme/note', exact: true }).click();
		await page.locator('.device-facts h3', { hasText: 'acme/note' }).waitFor();
	});

	await suite.test('a link to what is no device', { ...options, hash: '#devices?device=..%2Fmetrics' }, async (page) => {
		await page.locator('.detail').getByText('Choose a device').waitFor();
	});

	await suite.test('files that are too large, or folders', options, async (page) => {
		const { outcome } = form(page);
		await page.locator('.upload input[type=file]').setInputFiles(
			{ name: 'huge.json', mimeType: 'application/json', buffer: Buffer.alloc(8 * 2 ** 20 + 1, 32) });
		await outcome.getByText('huge.json is larger than 8,388,608 bytes.').waitFor();
		await page.evaluate(() => {
			const folder = new File([], 'folder');
			folder.arrayBuffer = () => Promise.reject(new DOMException('', 'NotFoundError')); // as those of folders do
			const drop = new DragEvent('drop', { bubbles: true });
			Object.defineProperty(drop, 'dataTransfer', { value: { files: [folder], types: ['Files'] } });
			document.querySelector('.devices-view').dispatchEvent(drop);
		});
		await outcome.getByText('folder cannot be read').waitFor();
	});

	const closed = await suite.start('devices-closed', [], { bare: true });
	const token = (...scopes) => execFileSync(OFAD,
		['token', 'add', '--data', closed.data, ...scopes.flatMap((scope) => ['--scope', scope])],
		{ encoding: 'utf8' }).trim().split(/\s+/).at(-1);
	const reader = token('read'), writer = token('read', 'profiles:write');
	await eventually(() => fetch(`${closed.url}/networks`), ({ status }) => status === 401, 'a token is needed');
	await suite.test('a token that may not write, and one that may', { hash: '#devices', server: closed, allow: [401, 403] }, async (page) => {
		const { text, name, button, outcome } = form(page);
		const answer = async (secret) => {
			await page.getByRole('textbox', { name: 'Token' }).fill(secret);
			await page.getByRole('button', { name: 'Use it' }).click();
		};
		await answer(reader);
		await text.fill('{"limits": {"macs": 5000000}}');
		await name.fill('acme/guarded');
		await button.click();
		await outcome.getByText('Not stored.').waitFor();
		await page.getByRole('button', { name: 'Use another token' }).click();
		await answer(writer);
		await outcome.getByText('acme/guarded is stored, revision 1').waitFor();
	});

	await suite.test('what has changed is not deleted', { ...options, allow: [412] }, async (page) => {
		await page.getByRole('button', { name: 'Delete acme/edited' }).click();
		await page.getByRole('dialog').waitFor();
		await fetch(`${server.url}/profiles/acme/edited`, {
			method: 'PUT', headers: { 'Content-Type': 'application/json', 'If-Match': '*' }, body: '{"limits":{"macs":7000000}}',
		});
		await page.getByRole('button', { name: 'Delete it' }).click();
		await page.getByText('acme/edited has changed meanwhile, and was not deleted').waitFor();
		await page.getByRole('button', { name: 'Delete acme/edited' }).waitFor();
	});
}

async function tables(suite, server) {
	await suite.test('coverage of a part', { hash: '#devices?device=acme/part', server }, async (page) => {
		const table = page.locator('[data-network] table');
		const row = async (size) => (await table.locator('tr', { hasText: `${size} px` }).locator('td').allTextContents()).join('|');
		await table.waitFor();
		check((await row(28)) === '|100 %|96 of 96|1', `28 px: ${await row(28)}`);
		check((await row(14)) === '|0 %|0 of 96|0', `14 px: ${await row(14)}`);
		await page.getByText('96 missing at 14 px').click();
		const { keys } = await suite.ask(`networks/${NETWORK}/latency-keys`, undefined, server);
		check((await page.locator('details[open] .keys li').allTextContents()).join() === keys[14].join(), 'other keys are missing');
	});

	await suite.test('which blocks are slow, against another device', { hash: `#devices?device=${SLOW}`, server }, async (page) => {
		await page.locator('select[name=against]').selectOption(FAST);
		await page.waitForURL(/against=acme%2Fphone/);
		// the library makes kernels of 7 half as slow again as the others, which are 8 times as slow
		await page.locator('.finding', { hasText: 'Relatively slow here: 7 × 7 kernels (1.50 ×).' }).waitFor();
		await page.getByText(`${SLOW} takes 8.00 × as long as ${FAST}`).waitFor();
		const ratio = (name) => page.locator(`[data-group="${name}"] td`).last().textContent();
		check((await ratio('7 × 7')) === '1.50 ×' && (await ratio('3 × 3')) === '1.00 ×', 'other ratios');
		await page.getByRole('button', { name: 'Relative' }).click();
		const first = page.locator('.explorer tbody tr').first();
		check((await first.getAttribute('data-key')).includes('kernel:7'), 'the slowest is not first');
		const shown = await page.locator('.explorer tbody tr').evaluateAll((rows) => rows.length);
		check(shown === 50, `${shown} rows on a page`);
		await page.getByRole('button', { name: 'Next rows' }).click();
		await page.getByText('Rows 51 to 100 of 384').waitFor();
		await page.locator('.explorer').getByLabel('Kernel').selectOption('5 × 5');
		const kernels = new Set(await page.locator('.explorer tbody tr td:nth-child(5)').allTextContents());
		check([...kernels].join() === '5', `kernels ${[...kernels]}`);
		await page.goBack();
		await page.getByText('for a million multiply-accumulates').waitFor();
	});

	await suite.test('tens of thousands of rows', { hash: '#devices', server, size: SIZES.narrow }, async (page) => {
		const entries = { ...suite.table(1).latency_table.entries };
		for (let size = 129; size <= 256; size++)
			entries[size] = Object.fromEntries(Object.entries(entries[28]).map(([key, entry]) => [key, { ...entry }]));
		const n = Object.values(entries).reduce((sum, rows) => sum + Object.keys(rows).length, 0);
		await suite.putProfile(server, 'acme/large', { latency_table: { unit: 'ms', entries } });
		await page.goto(`${server.url}/#devices?device=acme/large`);
		await page.reload();
		await page.getByText(`of ${n.toLocaleString('en')}`, { exact: false }).first().waitFor();
		await page.locator('.sort', { hasText: 'Mean' }).click();
		await page.locator('th[aria-sort]', { hasText: 'Mean' }).waitFor();
		await fits(page);
	});

	await suite.test('the chart by keyboard', { hash: `#devices?device=${SLOW}&against=${FAST}`, server, size: SIZES.narrow }, async (page) => {
		const chart = page.getByRole('slider', { name: `Times on ${SLOW} against those on ${FAST}` });
		await chart.focus();
		await page.keyboard.press('End');
		const last = await chart.getAttribute('aria-valuetext');
		check(/ms here, .* there, 1\.50 ×|ms here, .* there, 1\.00 ×/.test(last), `it says ${last}`);
		check((await page.locator('.comparison .said').textContent()) === last, 'what is said is not shown');
		check((await page.locator('.comparison .ring').getAttribute('visibility')) === 'visible', 'no point is marked');
		await page.keyboard.press('ArrowLeft');
		check((await chart.getAttribute('aria-valuenow')) === '382', `point ${await chart.getAttribute('aria-valuenow')}`);
		await accessible(page);
		await fits(page);
	});
}

// Packages of three sizes, delivered for the profile, that devices say take 1.2 times what is predicted.
async function report(suite, server) {
	const all = [];
	for (const macs of [2e6, 4e6, 9e6]) {
		const manifest = await suite.ask('subnets', { profile: SLOW, limits: { macs } }, server);
		const measured = manifest.latency_ms * 1.2;
		await suite.ask(`subnets/${manifest.id}/measurements`, { latency_ms: measured, device: 'cam:1' }, server);
		all.push({ id: manifest.id, predicted: manifest.latency_ms, measured });
	}
	return all;
}

async function calibration(suite, server) {
	await suite.test('how devices report', { hash: `#devices?device=${FAST}`, server }, async (page) => {
		await page.locator('.calibration').getByText('No device has reported yet').waitFor();
	});
	await suite.test('predicted against measured', { hash: '#devices', server }, async (page) => {
		const all = await report(suite, server);
		await page.getByRole('link', { name: SLOW, exact: true }).click();
		const panel = page.locator('.calibration');
		await panel.getByText('predictions are off by 16.7 % on average').waitFor();
		await panel.getByText('Fitted: 1.2 times what is predicted.').waitFor();
		check((await panel.locator('tbody tr').count()) === 3, 'not three packages');
		const answer = await suite.ask(`profiles/${SLOW}/calibration`, undefined, server);
		for (const { id } of all) {
			const point = answer.points.find((p) => p.subnet === id);
			const cells = await panel.locator(`[data-subnet="${id}"] td`).allTextContents();
			const near = (text, ms) => Math.abs(parseFloat(text) * (text.endsWith('µs') ? 1e-3 : 1) - ms) < 0.006 * ms;
			check(near(cells[0], point.predicted_ms) && near(cells[1], point.measured_ms), `${cells} for ${JSON.stringify(point)}`);
		}
		check((await panel.locator('path.line').count()) >= 2, 'no diagonal and no fit');
		await panel.getByRole('slider').focus();
		await page.keyboard.press('Home');
		await panel.getByText(/Package [0-9a-f]{12}: predicted .* on 1 device/).waitFor();
	});
}

export async function area(suite) {
	const server = await suite.start('devices');
	const { keys } = await suite.ask(`networks/${NETWORK}/latency-keys`, undefined, server);
	const part = suite.table(1).latency_table.entries[28];
	await suite.putProfile(server, 'acme/part', profile({ ...part, 'Conv-input:28x28x3-output:28x28x8': { mean: 1 } }));
	for (const [size, scheme] of [['usual', 'light'], ['narrow', 'dark'], ['huge', 'light']])
		await suite.test(`devices, ${size}, ${scheme}`, { hash: `#devices?device=${SLOW}&against=${FAST}`, size: SIZES[size], scheme, server },
			async (page) => {
				await page.locator('.explorer tbody tr').first().waitFor();
				await page.waitForLoadState('networkidle');
				await accessible(page);
				await fits(page);
				await picture(page, `devices-${size}-${scheme}`);
			});
	await uploads(suite, server, keys[28]);
	await refusals(suite, server, keys[28]);
	await replacing(suite, server);
	await tables(suite, server);
	await calibration(suite, server);
}
