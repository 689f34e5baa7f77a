// The cases that make_cases wrote into OFA_EXPORT_CASES, and how far a runtime's results are from theirs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.OFA_EXPORT_CASES;
// Of a float network's largest logit, or of 1; limits of int8 cases, in units, are the case's.
const floatLimit = 1e-4;

export class Tally {
	passed = 0;
	failed = 0;
	worst = { float: 0, layer: 0, trained: 0, random: 0 };
	layers = new Map(); // sort -> results, results that are equal, largest difference

	constructor(runtime) {
		this.runtime = runtime;
	}

	// Elements of a file as rows of `length`.
	rows(file, Type, length) {
		const bytes = readFileSync(join(folder, file));
		const all = new Type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
		return Array.from({ length: all.length / length }, (_, i) => all.subarray(i * length, (i + 1) * length));
	}

	// All cases, with the path of what was exported: suffix, or, of int8 cases, int8Suffix.
	cases(suffix, int8Suffix = suffix) {
		const list = readFileSync(join(folder, 'cases.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
		return list.map((one) => {
			const classes = one.out.reduce((a, b) => a * b);
			return { ...one, classes, path: join(folder, one.name + (one.dtype === 'int8' ? int8Suffix : suffix)) };
		});
	}

	// `infer` answers the results of one image, (h, w, c) floats, and its number.
	async run(one, infer) {
		const kind = one.dtype !== 'int8' ? 'float' : one.layer ? 'layer' : /^fashion/.test(one.name) ? 'trained' : 'random';
		const images = this.rows(`${one.name}.input`, Float32Array, one.height * one.width * one.channels);
		const wanted = this.rows(`${one.name}.logits`, Float32Array, one.classes);
		const differences = [];
		let largest = 1;
		for (const [i, image] of images.entries()) {
			const got = await infer(image, i);
			for (const [j, want] of wanted[i].entries()) {
				largest = Math.max(largest, Math.abs(want));
				differences.push(Number.isFinite(got[j]) ? Math.abs(got[j] - want) : Infinity);
			}
		}
		const limit = kind === 'float' ? floatLimit : one.limit;
		const unit = kind === 'float' ? largest : one.unit;
		const worst = differences.reduce((a, b) => Math.max(a, b), 0) / unit;
		const ok = images.length > 0 && worst <= limit * (1 + 1e-4);
		this[ok ? 'passed' : 'failed']++;
		this.worst[kind] = Math.max(this.worst[kind], worst);
		if (kind === 'layer') this.#count(one.layer, differences.map((d) => Math.round(d / unit)));
		if (!ok) console.log(`FAIL ${this.runtime}, ${one.name} ${one.layer}: differs by ${worst}, ${limit} is allowed`);
	}

	#count(sort, units) {
		const sum = this.layers.get(sort) ?? { n: 0, equal: 0, worst: 0 };
		sum.n += units.length;
		sum.equal += units.filter((u) => u === 0).length;
		sum.worst = units.reduce((a, b) => Math.max(a, b), sum.worst);
		this.layers.set(sort, sum);
	}

	finish() {
		for (const [sort, { n, equal, worst }] of [...this.layers].sort())
			console.log(`  int8 ${sort.padEnd(24)} ${((100 * equal) / n).toFixed(2)} % equal, at most ${worst} apart`);
		const { float, layer, trained, random } = this.worst;
		const units = (n) => n.toFixed(0);
		console.log(`${this.runtime}: float logits differ by at most ${float.toExponential(1)} of the largest; ` +
			`int8 layers by ${units(layer)} units, trained networks by ${units(trained)}, random ones by ${units(random)}`);
		console.log(`${this.passed} passed, ${this.failed} failed`);
		process.exitCode = this.failed > 0 || this.passed === 0 ? 1 : 0;
	}
}
