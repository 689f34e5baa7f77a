// Drawing, dropping and switching: what the page says of images is what `ofa run` or the device runtime on this machine says
// of the same pixels.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gunzipSync } from 'node:zlib';
import { FAST, NETWORK, SIZES, accessible, check, eventually, fits, picture } from './lib.mjs';

const BUILD = process.env.OFA_BUILDDIR ?? '.';
const IMAGES = '/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz';
const SIDE = 28;

function crc(bytes) {
	let c = ~0;
	for (const byte of bytes) {
		c ^= byte;
		for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
	}
	return ~c >>> 0;
}

// Grey pixels, rows of `width` -> a PNG.
function png(pixels, width) {
	const height = pixels.length / width;
	const chunk = (type, data) => {
		const all = Buffer.alloc(12 + data.length);
		all.writeUInt32BE(data.length, 0);
		all.write(type, 4, 'latin1');
		data.copy(all, 8);
		all.writeUInt32BE(crc(all.subarray(4, 8 + data.length)), 8 + data.length);
		return all;
	};
	const head = Buffer.alloc(13), rows = Buffer.alloc(height * (width + 1));
	head.writeUInt32BE(width, 0);
	head.writeUInt32BE(height, 4);
	head[8] = 8;
	for (let y = 0; y < height; y++) Buffer.from(pixels.subarray(y * width, (y + 1) * width)).copy(rows, y * (width + 1) + 1);
	return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)),
		chunk('IEND', Buffer.alloc(0))]);
}

function testImages(n) {
	const data = gunzipSync(readFileSync(IMAGES)).subarray(16);
	return Array.from({ length: n }, (_, i) => data.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE));
}

// The package that the server delivers for this body.
async function deliver(suite, body) {
	const reply = await fetch(`${suite.server.url}/subnets`, {
		method: 'POST', body: JSON.stringify(body),
		headers: { 'Content-Type': 'application/json', Accept: 'application/vnd.ofa.subnet' },
	});
	check(reply.status === 200, `POST /subnets: ${reply.status}`);
	const file = suite.world.path('try.ofa'), bytes = Buffer.from(await reply.arrayBuffer());
	writeFileSync(file, bytes);
	return { file, bytes };
}

// What `ofa run` says of the pixels, normalised.
async function floatLogits(suite, images, { file }) {
	const input = suite.world.path('try.safetensors');
	const { mean: [mean], std: [std] } = (await suite.ask('networks/fashion')).input;
	const values = Float32Array.from(images.flatMap((image) => [...image].map((v) => (v / 255 - mean) / std)));
	const head = Buffer.from(JSON.stringify({
		x: { dtype: 'F32', shape: [images.length, 1, SIDE, SIDE], data_offsets: [0, values.byteLength] },
	}).padEnd(256));
	const size = Buffer.alloc(8);
	size.writeBigUInt64LE(BigInt(head.length));
	writeFileSync(input, Buffer.concat([size, head, Buffer.from(values.buffer)]));
	return JSON.parse(execFileSync(join(BUILD, 'cli/ofa'), ['run', file, '--input', `${input}:x`, '--json'])).logits;
}

// What the device runtime says of the pixels as they are: int8, told as the numbers that they stand for.
function int8Logits(suite, images, { file, bytes }) {
	const path = suite.world.path('try.images'), io = bytes.readUInt32LE(44);
	const scale = bytes.readFloatLE(io + 76), zero = bytes.readInt32LE(io + 80); // device/ofa_format.h
	const head = Buffer.from([...Buffer.from('PIX1'), images.length, 0, SIDE, 0, SIDE, 0, 1, 0]);
	writeFileSync(path, Buffer.concat([head, Buffer.alloc(images.length), ...images]));
	const lines = execFileSync(join(BUILD, 'tests/firmware/logits'), [file, path], { encoding: 'utf8' }).trim().split('\n');
	return lines.map((line) => line.replace(/.*logits /, '').split(' ').map((q) => Math.fround(scale * (q - zero))));
}

const best = (page) => page.locator('.answer .best').innerText();
const answered = (page, what) => eventually(() => best(page), (text) => what.test(text), `an answer like ${what}`);
const subnet = (page, name) => page.getByRole('radio', { name });

async function ready(page) {
	await page.locator('.answer .measured').waitFor();
}

// As if it were dragged in from elsewhere.
async function drop(page, name, bytes, type = 'image/png') {
	const transfer = await page.evaluateHandle(([fileName, base64, mime]) => {
		const data = new DataTransfer();
		data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], fileName, { type: mime }));
		return data;
	}, [name, bytes.toString('base64'), type]);
	await page.locator('.picture').dispatchEvent('drop', { dataTransfer: transfer });
}

async function shownLogits(page) {
	const details = page.locator('.answer details');
	if (!(await details.evaluate((d) => d.open))) await details.locator('summary').click();
	return (await details.locator('pre').innerText()).split('\n').map((line) => Number(line.split('\t')[0]));
}

// Two legs, as a line that is filled.
async function drawTrouser(page) {
	const box = await page.locator('.pad').boundingBox();
	const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
	const [first, ...rest] = [[0.36, 0.08], [0.64, 0.08], [0.68, 0.92], [0.57, 0.92], [0.5, 0.35], [0.43, 0.92], [0.32, 0.92],
		[0.36, 0.08]].map(at);
	await page.mouse.move(...first);
	await page.mouse.down();
	for (const point of rest) await page.mouse.move(...point, { steps: 4 });
	await page.mouse.up();
}

async function drawings(suite) {
	await suite.test('the first drawing, on one subnet and another', { hash: `#try?profile=${FAST}` }, async (page) => {
		await ready(page);
		await answered(page, /^Coat, /);
		check(/^[\d.]+ (µs|ms) per image$/.test(await page.locator('.measured').innerText()), 'no time was measured');
		const facts = await page.locator('.answer .run-facts').innerText();
		check(facts.includes(`Predicted on ${FAST}`) && facts.includes('simd128'), `these are the facts: ${facts}`);
		await subnet(page, /^Smallest/).check({ force: true });
		await answered(page, /^Shirt, /);
		await page.waitForURL(/tried=smallest/);
		check((await page.locator('.seen').innerText()).includes('14 × 14'), 'it is given another size');
		await page.reload();
		await answered(page, /^Shirt, /);
		await picture(page, 'try-drawn');
	});

	await suite.test('by keyboard: drawings and subnets', { hash: '#try' }, async (page) => {
		await ready(page);
		await page.getByRole('button', { name: 'Bag' }).focus();
		await page.keyboard.press('Enter');
		await answered(page, /^Bag, /);
		await page.waitForURL(/drawing=Bag/);
		const facts = page.locator('.answer .run-facts'), size = (text) => /[\d.]+ [kM]B, runs in/.exec(text)?.[0];
		const before = size(await facts.innerText());
		await subnet(page, /^Chosen \d/).focus();
		await page.keyboard.press('ArrowRight');
		check(await subnet(page, /^Chosen, int8/).isChecked(), 'an arrow does not go to the next subnet');
		await eventually(() => facts.innerText(), (t) => size(t) && size(t) !== before, 'another package');
		await answered(page, /^Bag, /);
		await eventually(() => page.locator('.answer [aria-live]').innerText(), (t) => /^Bag, \d+ %\.$/.test(t), 'it is said');
	});

	const { arch } = await suite.ask('searches', { limits: { macs: 2000000 } });
	const pinned = `#try?profile=${FAST}&pinned=${encodeURIComponent(JSON.stringify(arch))}&tried=pinned`;
	await suite.test('a pinned subnet, and choices that change meanwhile', { hash: pinned }, async (page) => {
		await ready(page);
		check(await subnet(page, /^Pinned/).isChecked(), 'the pinned subnet is not tried');
		check((await page.locator('.seen').innerText()).includes(`${arch.image_size} × ${arch.image_size}`), 'it is another');
		for (const dtype of ['int8', 'float16', 'float32', 'float16'])
			await page.getByLabel('Type', { exact: true }).selectOption(dtype);
		await eventually(() => page.locator('.strip').innerText(), (t) => /Pinned\n\d+ px, float16/.test(t), 'the last type');
		await page.locator('.strip label', { hasText: 'Largest' }).click();
		await eventually(() => page.locator('.seen').innerText(), (t) => t.includes('28 × 28'), 'the largest');
		await answered(page, /^Coat, /);
	});

	await suite.test('drawing with a mouse, and taking it back', { hash: '#try?drawing=none' }, async (page) => {
		await answered(page, /^Draw something/);
		await drawTrouser(page);
		await answered(page, /^Trouser, /);
		await page.getByRole('button', { name: 'Undo' }).click();
		await answered(page, /^Draw something/);
	});

	await suite.test('drawing with a finger', { hash: '#try?drawing=none', context: { hasTouch: true } }, async (page, { context }) => {
		await answered(page, /^Draw something/);
		await page.locator('.pad').scrollIntoViewIfNeeded();
		const box = await page.locator('.pad').boundingBox(), client = await context.newCDPSession(page);
		const touch = (type, ...points) => client.send('Input.dispatchTouchEvent', {
			type, touchPoints: points.map(([x, y]) => ({ x: box.x + x * box.width, y: box.y + y * box.height })),
		});
		await touch('touchStart', [0.5, 0.1]);
		for (let i = 1; i <= 8; i++) await touch('touchMove', [0.5, 0.1 + i / 10]);
		await touch('touchEnd');
		await answered(page, /, \d/);
	});
}

async function files(suite) {
	if (existsSync(IMAGES)) {
		const images = testImages(6);
		for (const [dtype, ask, tolerance] of [['float32', floatLogits, 1e-5], ['int8', int8Logits, 0]])
			await suite.test(`images of the data set, ${dtype}`, { hash: `#try?dtype=${dtype}` }, async (page) => {
				await ready(page);
				const want = await ask(suite, images, await deliver(suite, { network: NETWORK, dtype, limits: {} }));
				for (const [i, image] of images.entries()) {
					await drop(page, `image-${i}.png`, png(image, SIDE));
					const most = Math.max(...want[i].map(Math.abs));
					await eventually(() => shownLogits(page), (got) => got.length === want[i].length &&
						got.every((logit, c) => Math.abs(logit - want[i][c]) <= tolerance * most), `image ${i}: ${want[i]}`);
				}
			});
	}

	await suite.test('dark on white is turned around', { hash: '#try?drawing=none' }, async (page) => {
		await answered(page, /^Draw something/);
		const side = 200, pixels = new Uint8Array(side * side).fill(255);
		for (let y = 20; y < 180; y++)
			for (let x = 0; x < side; x++)
				if (Math.abs(x - 100) < 32 && (y < 60 || Math.abs(x - 100) > 6)) pixels[y * side + x] = 30;
		const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByText('Open an image').click()]);
		await chooser.setFiles({ name: 'trouser.png', mimeType: 'image/png', buffer: png(pixels, side) });
		await answered(page, /^Trouser, /);
		check(await page.getByLabel('Invert light and dark').isChecked(), 'it was not turned around');
		check((await page.locator('.source').innerText()) === 'trouser.png, 200 × 200', 'the file is not named');
		await drawTrouser(page);
		await answered(page, /, \d/);
	});

	await suite.test('what is no image', { hash: '#try' }, async (page) => {
		await ready(page);
		const refusal = page.locator('.refusal');
		await drop(page, 'words.png', Buffer.from('no image'));
		await eventually(() => refusal.innerText(), (t) => t === 'words.png: This is no image that the browser can read.', 'why');
		await drop(page, 'huge.png', Buffer.alloc(21e6));
		await eventually(() => refusal.innerText(), (t) => t === 'huge.png: The file is larger than 20 MB.', 'why');
		await answered(page, /^Coat, /);
		await page.getByRole('button', { name: 'Dress' }).click();
		await answered(page, /^Dress, /);
		check(await refusal.isHidden(), 'the refusal stays');
	});
}

async function faults(suite) {
	await suite.test('a package that was cut on its way', { hash: '#front' }, async (page) => {
		await page.route('**/subnets', async (route) => {
			const response = await route.fetch();
			await route.fulfill({ response, body: (await response.body()).subarray(0, 5000) });
		});
		await page.locator('nav a[href^="#try"]').click();
		await eventually(() => page.locator('.report [role=alert]').innerText(), (t) => t.startsWith('the package is truncated'), 'a refusal');
	});

	await suite.test('no answer of another subnet than the one that is chosen', { hash: '#try', allow: [503] }, async (page) => {
		await answered(page, /^Coat, /);
		await page.getByLabel('Type', { exact: true }).waitFor();
		let go;
		const wait = new Promise((resolve) => { go = resolve; });
		await page.route('**/subnets', async (route) => {
			await wait;
			await route.fulfill({ status: 503, json: { detail: 'the queue is full' } });
		});
		await page.getByLabel('Type', { exact: true }).selectOption('float16');
		await answered(page, /^The subnet is on its way\.$/);
		go();
		await answered(page, /^There is no answer without the subnet\.$/);
		await page.unroute('**/subnets');
		await page.getByRole('button', { name: 'Try again' }).click();
		await answered(page, /^Coat, /);
	});

	await suite.test('an arch that is none is not said to break limits',
		{ hash: `#try?arch=${encodeURIComponent('{"a":1}')}`, allow: [422] }, async (page) => {
			await answered(page, /^\w+, /);
			const facts = await page.locator('.subnet', { hasText: 'Chosen' }).first().locator('.subnet-facts').innerText();
			check(facts.includes('/a is not a gene'), `it is said: ${facts}`);
		});

	await suite.test('a job is not asked for once the view is left', { hash: '#front' }, async (page) => {
		let asked = 0;
		await page.route('**/subnets', (route) => route.fulfill({ status: 202, headers: { Location: '/jobs/1' }, json: {} }));
		await page.route('**/jobs/1', (route) => {
			asked++;
			return route.fulfill({ json: { state: 'running', poll_after_s: 0.1, error: null, links: {} } });
		});
		await page.locator('nav a[href^="#try"]').click();
		await eventually(async () => asked, (n) => n > 1, 'a job that is asked for');
		await page.locator('nav a[href^="#cost"]').click();
		await page.locator('.view.cost .finding').first().waitFor();
		const then = asked;
		await page.waitForTimeout(500);
		check(asked <= then + 1, `it was asked for ${asked - then} times more`);
	});

	await suite.test('a package that takes a while', { hash: '#front' }, async (page) => {
		const job = 'f'.repeat(32), asked = [];
		let links = {};
		await page.route('**/subnets', async (route) => {
			if (route.request().method() !== 'POST' || links.subnet) return route.continue();
			const made = await route.fetch();
			links = { subnet: made.headers()['content-location'] };
			return route.fulfill({ status: 202, headers: { Location: `/jobs/${job}` }, json: {} });
		});
		await page.route(`**/jobs/${job}`, (route) => {
			asked.push(job);
			const done = asked.length > 2;
			return route.fulfill({ json: {
				state: done ? 'succeeded' : 'running', poll_after_s: 0.05, error: null, links: done ? links : {},
			} });
		});
		await page.locator('nav a[href^="#try"]').click();
		await answered(page, /^Coat, /);
		check(asked.length === 3, `the job was asked for ${asked.length} times`);
	});

	await suite.test('limits that no subnet keeps', { hash: '#try?macs=5', allow: [422] }, async (page) => {
		await ready(page);
		check((await page.locator('.strip').innerText()).includes('none keeps the limits'), 'the chosen subnet has no word');
		check(await subnet(page, /^Smallest/).isChecked(), 'the smallest is not in its place');
		check(await subnet(page, /^Chosen none/).isDisabled(), 'what is not there can be chosen');
	});
}

async function forEveryone(suite) {
	for (const [size, scheme] of [['narrow', 'light'], ['usual', 'dark'], ['huge', 'light']])
		await suite.test(`to everyone: ${size}, ${scheme}`, { hash: '#try', size: SIZES[size], scheme }, async (page) => {
			await ready(page);
			await accessible(page);
			await fits(page);
			await picture(page, `try-${size}-${scheme}`);
		});
}

// No network of photographs ships: a package of one with random weights in the place of the server's.
async function inColour(suite) {
	const net = suite.world.path('colour.safetensors'), arch = suite.world.path('colour.json');
	const file = suite.world.path('colour.ofa'), ofa = (...args) => execFileSync(join(BUILD, 'cli/ofa'), args);
	ofa('init', '--family', 'mbv3', '--width', '0.2', '-o', net);
	writeFileSync(arch, JSON.stringify(JSON.parse(ofa('inspect', net, '--json')).smallest.arch));
	ofa('pack', net, '--arch', arch, '-o', file);
	await suite.test('in colour, of a thousand classes', { hash: '#front' }, async (page) => {
		await page.route('**/subnets', (route) => route.fulfill({
			headers: { 'Content-Type': 'application/vnd.ofa.subnet', 'Content-Location': `/subnets/${'c'.repeat(64)}` },
			body: readFileSync(file),
		}));
		await page.locator('nav a[href^="#try"]').click();
		await answered(page, /^class \d+, /);
		check((await page.locator('.seen').innerText()).includes('in colour'), 'it is given grey');
		check((await page.locator('.classes li').count()) === 5, 'the likeliest are not five');
		await page.locator('.answer summary').click();
		check((await shownLogits(page)).length === 1000, 'logits are missing');
	});
}

export async function area(suite) {
	await drawings(suite);
	await files(suite);
	await faults(suite);
	await inColour(suite);
	await forEveryone(suite);
}
