// Cost: the ledger in words and bars, and how the network was trained.
import { NETWORK, SIZES, accessible, check, eventually, fits, picture } from './lib.mjs';

const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

const HISTORY = {
	measured_on: 'the hold-out',
	phases: [{ name: 'full', begin_epoch: 0, epochs: 4 }, { name: 'kernel', begin_epoch: 4, epochs: 2 }],
	evaluations: [
		{ epoch: 2, phase: 'full', largest: 0.8123, smallest: null },
		{ epoch: 4, phase: 'full', largest: 0.9012, smallest: 0.1034 },
		{ epoch: 5, phase: 'kernel', largest: 0.9101, smallest: 0.4 },
		{ epoch: 6, phase: 'kernel', largest: 0.9155, smallest: 0.8721 },
	],
};

// The network's answer with a history, whether its file has one or not.
const withHistory = (page, history) => page.route(`**/networks/${NETWORK}`, async (route) => {
	const response = await route.fetch();
	const { history: _, ...network } = await response.json();
	await route.fulfill({ response, json: history ? { ...network, history } : network });
});

async function comparison(suite, server) {
	await suite.test('before the first delivery', { hash: '#cost?devices=1000', server }, async (page) => {
		await page.getByText('What a delivery takes here is not known before the first one. For 1,000 devices').waitFor();
		await page.getByText('40 million GPU hours and 5,150 t of CO₂').waitFor();
	});

	await suite.test('the numbers of the ledger', { hash: '#cost?devices=2000', server }, async (page) => {
		await suite.ask('subnets', { limits: { macs: 3e6 } }, server);
		// the package is packed, the front made: then nothing is added any more
		let before = '';
		await eventually(async () => {
			const last = before;
			await new Promise((done) => setTimeout(done, 400));
			before = JSON.stringify((await suite.ask('ledger', undefined, server)).cpu_hours);
			return before === last;
		}, (resting) => resting, 'the server at rest');
		await page.reload();
		const finding = page.locator('.finding').first();
		await page.getByText('Specialising for 2,000 devices takes').waitFor();
		const ledger = await suite.ask('ledger?devices=2000', undefined, server);
		const { once_for_all: here, conventional } = ledger.comparison;
		const text = await finding.textContent();
		const hours = here.cpu_hours, cpu = hours >= 1 ? `${number.format(hours)} CPU hours`
			: hours * 60 >= 1 ? `${number.format(hours * 60)} CPU minutes` : `${number.format(hours * 3600)} CPU seconds`;
		const kg = here.kg_co2, mass = kg >= 1 ? `${number.format(kg)} kg` : kg >= 1e-3 ? `${number.format(kg * 1e3)} g` : `${number.format(kg * 1e6)} mg`;
		for (const part of [cpu, `${mass} of CO₂`, '40,000 GPU hours each', `${number.format(conventional.gpu_hours / 1e6)} million GPU hours`,
			`${number.format(conventional.kg_co2 / 1e6)}`.slice(0, 2)])
			check(text.includes(part), `"${part}" is not in "${text}"`);
		check(text.includes(ledger.comparison.training_included ? 'training of the networks included' : 'without the training'), text);
		const cells = await page.locator(`.ledger [data-network="${NETWORK}"] td`).allTextContents();
		const { deliveries, searches, fronts, packages } = ledger.counts;
		check(cells.slice(0, 4).join() === [deliveries, searches, fronts, packages].join(), `${cells} for ${JSON.stringify(ledger.counts)}`);
		for (const [name, factor] of Object.entries(ledger.factors)) {
			const item = await page.locator(`[data-factor="${name}"]`).textContent();
			check(item.includes(String(factor.value)) && item.includes(factor.source), `${name}: ${item}`);
		}
		await page.getByText(ledger.conventional.source).waitFor();
		const { once_for_all: ours, conventional: others } = ledger.comparison;
		const times = /That is ([\d.,]+)( \w+)? times as much CO₂/.exec(await page.locator('.finding').first().innerText());
		const scale = { million: 1e6, billion: 1e9, trillion: 1e12 }[times?.[2]?.trim()] ?? 1;
		const ratio = others.kg_co2 / ours.kg_co2, said = Number(times?.[1].replaceAll(',', '')) * scale;
		check(Math.abs(said / ratio - 1) < 0.01, `${said} times as much, not ${ratio}`);
		await picture(page, 'cost-delivered');
	});

	await suite.test('from one device to a million', { hash: '#cost', server }, async (page) => {
		await page.getByText('for 40 devices').waitFor();
		const slider = page.getByRole('slider', { name: 'Devices, logarithmic' });
		await slider.focus();
		await page.keyboard.press('End');
		await page.getByText('for 1,000,000 devices').waitFor();
		await page.waitForURL(/devices=1000000/);
		check((await slider.getAttribute('aria-valuetext')) === '1,000,000', 'the slider does not say it');
		await page.keyboard.press('Home');
		await page.getByText('for one device').waitFor();
		const field = page.getByLabel('Devices', { exact: true });
		await field.fill('123');
		await page.getByText('for 123 devices').waitFor();
		check((await field.inputValue()) === '123', 'the field was changed under the fingers');
		await page.reload();
		await page.getByText('for 123 devices').waitFor();
	});

	await suite.test('a number that is typed is one step back', { hash: '#cost?devices=7', server }, async (page) => {
		await page.getByText('for 7 devices').waitFor();
		const field = page.getByLabel('Devices', { exact: true });
		await field.focus();
		await page.keyboard.press('Control+A');
		await page.keyboard.type('12345');
		await page.getByText('for 12,345 devices').waitFor();
		await page.keyboard.press('Tab');
		await page.goBack();
		await page.getByText('for 7 devices').waitFor();
		await field.fill('1.5');
		await page.keyboard.press('Tab');
		check((await field.inputValue()) === '7', 'what is no number of devices stays');
	});
}

async function training(suite, server) {
	await suite.test('the phases of the recipe', { hash: '#cost', server }, async (page) => {
		const { lineage } = await suite.ask(`networks/${NETWORK}`, undefined, server);
		const second = page.locator('.timeline tbody tr').nth(1);
		check((await second.innerText()).includes(`from ${lineage.recipe.phases[0].epochs}`), 'the second phase begins elsewhere');
		await page.locator('.timeline').waitFor();
		const rows = await page.locator('.timeline tbody tr').evaluateAll((all) => all.map((row) =>
			[row.dataset.phase, row.querySelector('td').textContent].join()));
		check(rows.join(';') === lineage.recipe.phases.map((p) => [p.name, p.epochs].join()).join(';'), rows.join(';'));
		const opens = (phase) => page.locator(`[data-phase="${phase}"] .opens`).textContent();
		check((await opens('full')) === 'the largest subnet alone', await opens('full'));
		check((await opens('kernel')) === 'kernels 7, 5, 3', await opens('kernel'));
		check((await opens('depth2')) === 'depths 4, 3, 2', await opens('depth2'));
	});

	await suite.test('the accuracy over the epochs', { server }, async (page) => {
		await withHistory(page, HISTORY);
		await page.goto(`${server.url}/#cost`);
		await page.reload();
		await page.getByText('the largest subnet is right for 91.55 % of the images, the smallest for 87.21 %, measured on the hold-out').waitFor();
		const names = await page.locator('.history .curve-name').allTextContents();
		check(names.join() === 'largest,smallest', `curves ${names}`);
		check((await page.locator('.history .bands rect').count()) === 2, 'not two bands');
		const chart = page.getByRole('slider', { name: 'Accuracy over the epochs' });
		await chart.focus();
		await page.keyboard.press('Home');
		await page.getByText('Epoch 2, full: largest 81.23 %, and no other yet').waitFor();
		await page.keyboard.press('ArrowRight');
		await page.getByText('Epoch 4, full: largest 90.12 %, smallest 10.34 %').waitFor();
		const box = await page.locator('.history .plot').boundingBox();
		await page.mouse.move(box.x + box.width - 80, box.y + box.height / 2);
		await page.getByText('Epoch 6, kernel: largest 91.55 %, smallest 87.21 %').waitFor();
		await page.getByText('As a table').click();
		const cells = await page.locator('.evaluations tbody tr').evaluateAll((rows) => rows.map((row) =>
			[...row.children].map((cell) => cell.textContent).join()));
		check(cells[2] === '5,kernel,91.01 %,40.00 %', `row ${cells[2]}`);
		await accessible(page);
	});

	await suite.test('a file without a history', { server }, async (page) => {
		await withHistory(page, null);
		await page.goto(`${server.url}/#cost`);
		await page.reload();
		await page.getByText('does not hold its accuracy over the training').waitFor();
	});

	const { history } = await suite.ask(`networks/${NETWORK}`, undefined, server);
	await suite.test('the history of the file', { hash: '#cost', server }, async (page) => {
		await page.getByText('As a table').click();
		const cells = await page.locator('.evaluations tbody tr').evaluateAll((rows) => rows.map((row) =>
			[...row.children].map((cell) => cell.textContent).join()));
		const percent = (a) => a === null ? 'none yet' : `${(a * 100).toFixed(2)} %`;
		const wanted = history.evaluations.map((e) => [Number(e.epoch.toFixed(2)), e.phase, percent(e.largest), percent(e.smallest)].join());
		check(cells.join(';') === wanted.join(';'), 'other accuracies than in the file');
	});
}

export async function area(suite) {
	const server = await suite.start('cost', [], { bare: true });
	await comparison(suite, server);
	await training(suite, server);
	for (const [size, scheme] of [['usual', 'dark'], ['narrow', 'light'], ['huge', 'dark']])
		await suite.test(`cost, ${size}, ${scheme}`, { hash: '#cost?devices=1000', size: SIZES[size], scheme, server }, async (page) => {
			await page.locator('.ledger').waitFor();
			await page.locator('.timeline').waitFor();
			await accessible(page);
			await fits(page);
			await picture(page, `cost-${size}-${scheme}`);
		});
}
