// The device runtime as a WebAssembly module, run by Node as a page would: tests/device/test-web calls
//   node web.mjs imports MODULE                      it imports nothing
//   node web.mjs compare MODULE PACKAGE IMAGES HOST  the logits are those of HOST, as tests/firmware/logits prints them
//   node web.mjs refuse MODULE PACKAGE               what is not that package is refused, in the runtime's words
//   node web.mjs kernels MODULE                      of web_kernels.c: the int8 kernels equal the portable ones
//   node web.mjs bench MODULE PACKAGE...             ms per image, as bench/device prints them
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const [mode, modulePath, ...rest] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(modulePath));

// device/ofa_format.h
const HEADER_BYTES = 64, HEADER_MAGIC = 0, HEADER_SIZE = 16, HEADER_IO_OFFSET = 44, HEADER_DATA_OFFSET = 52;
const IO_TOLERANCE = 48, IO_OUT_SCALE = 76, IO_OUT_ZERO = 80;
const INT8 = 3;

// An instance with the bytes of a package in it.
function instance(bytes) {
	const e = new WebAssembly.Instance(module).exports;
	const run = e.run_new(bytes.length);
	assert.notEqual(run, 0);
	new Uint8Array(e.memory.buffer).set(bytes, e.run_package(run));
	return { e, run };
}

function text(e, at) {
	const memory = new Uint8Array(e.memory.buffer);
	return new TextDecoder('utf-8', { fatal: true }).decode(memory.subarray(at, memory.indexOf(0, at)));
}

// What loading says, in words; a trap would throw.
function load(bytes) {
	const { e, run } = instance(bytes);
	const status = e.run_load(run);
	return { e, run, status, says: text(e, e.run_status_text(status)) };
}

function loaded(path) {
	const one = load(readFileSync(path));
	assert.equal(one.says, 'ok');
	return one;
}

function classify({ e, run }, pixels) {
	new Uint8Array(e.memory.buffer).set(pixels, e.run_pixels(run));
	assert.equal(e.run_image(run), 0);
	return new Float32Array(e.memory.buffer, e.run_logits(run), e.run_classes(run)).slice();
}

// Images as device/firmware/images writes them.
function readImages(path) {
	const data = readFileSync(path);
	const [n, height, width, channels] = [4, 6, 8, 10].map((at) => data.readUInt16LE(at));
	const each = height * width * channels;
	return Array.from({ length: n }, (_, i) => data.subarray(12 + n + i * each, 12 + n + (i + 1) * each));
}

// Of what tests/firmware/logits says of floats: their bits, in the order of the numbers.
function fromOrdered(number) {
	return new Float32Array(new Int32Array([number < 0 ? -2147483648 - number : number]).buffer)[0];
}

function compare(packagePath, imagesPath, hostPath) {
	const data = readFileSync(packagePath), io = data.readUInt32LE(HEADER_IO_OFFSET);
	const tolerance = data.readFloatLE(io + IO_TOLERANCE);
	const scale = data.readFloatLE(io + IO_OUT_SCALE), zero = data.readInt32LE(io + IO_OUT_ZERO);
	const one = loaded(packagePath);
	const images = readImages(imagesPath);
	const host = readFileSync(hostPath, 'utf8').trim().split('\n')
		.map((line) => line.replace(/.*logits /, '').split(' ').map(Number));
	let worst = 0;
	assert.equal(host.length, images.length);
	assert.equal(one.e.run_height(one.run) * one.e.run_width(one.run) * one.e.run_channels(one.run), images[0].length);
	for (const [i, image] of images.entries()) {
		const got = classify(one, image);
		if (one.e.run_type(one.run) === INT8) {
			assert.deepEqual([...got], host[i].map((q) => Math.fround(scale * (q - zero))), `image ${i}`);
		} else {
			const want = host[i].map(fromOrdered);
			const largest = Math.max(...want.map(Math.abs));
			got.forEach((logit, c) => {
				worst = Math.max(worst, Math.abs(logit - want[c]) / largest);
				assert.ok(Math.abs(logit - want[c]) <= tolerance * largest, `image ${i}, class ${c}: ${logit}, not ${want[c]}`);
			});
		}
	}
	console.log(`${images.length} images, kernels ${text(one.e, one.e.run_kernel_name(one.run))}, ` +
		`names ${text(one.e, one.e.run_class_name(one.run, 0))}, largest difference ${worst.toExponential(1)}`);
}

function refuse(path) {
	const good = readFileSync(path);
	const refused = (bytes, what) => {
		const { e, run, says } = load(bytes);
		assert.match(says, what);
		assert.equal(e.run_pixels(run), 0);
		assert.equal(e.run_class_name(run, 0), 0);
		assert.notEqual(e.run_image(run), 0);
	};
	const altered = (at, xor) => {
		const bytes = Buffer.from(good);
		bytes[at] ^= xor;
		return bytes;
	};
	for (const n of [0, 1, HEADER_BYTES - 1, HEADER_BYTES, good.length >> 1, good.length - 1])
		refused(good.subarray(0, n), /^the package is truncated$/);
	refused(altered(HEADER_MAGIC, 1), /^not a packed subnet$/);
	refused(altered(good.length - 1, 0x80), /^the package is damaged: its SHA-256 is another$/);
	refused(altered(good.readUInt32LE(HEADER_DATA_OFFSET) + 100, 1), /^the package is damaged: its SHA-256 is another$/);
	refused(Buffer.alloc(good.length, 0xff), /^not a packed subnet$/);
	// Every byte up to the weights, and some of those: nothing traps, nothing is accepted.
	for (let at = 0; at < good.length; at += at < 4096 ? 1 : 997)
		refused(altered(at, 1 << at % 8), /./);
	// Sizes that do not exist.
	const e = new WebAssembly.Instance(module).exports;
	assert.equal(e.run_new(0xffffffff), 0);
	assert.equal(e.run_new(0x7fffffff), 0);
	assert.ok(good.readUInt32LE(HEADER_SIZE) === good.length);
}

function bench(paths) {
	const runs = 200;
	for (const path of paths) {
		const one = loaded(path);
		const { e, run } = one;
		const pixels = Uint8Array.from({ length: e.run_height(run) * e.run_width(run) * e.run_channels(run) }, (_, i) => i);
		const times = Array.from({ length: 2 * runs }, () => {
			const begin = performance.now();
			classify(one, pixels);
			return performance.now() - begin;
		}).slice(runs).sort((a, b) => a - b);
		console.log(times[runs >> 1].toFixed(6), e.run_arena_bytes(run), text(e, e.run_kernel_name(run)), path);
	}
}

function kernels() {
	const e = new WebAssembly.Instance(module).exports;
	const says = () => text(e, e.said());
	try {
		e.compare();
	} catch {
		assert.fail(says());
	}
	assert.match(says(), /^kernels: simd128\nequal\n$/);
}

const modes = {
	kernels,
	imports: () => assert.deepEqual(WebAssembly.Module.imports(module), []),
	compare: () => compare(...rest),
	refuse: () => refuse(...rest),
	bench: () => bench(rest),
};
modes[mode]();
