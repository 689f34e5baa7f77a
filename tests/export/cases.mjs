// The cases that make_cases wrote into OFA_EXPORT_CASES, and how far a runtime's logits are from theirs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.OFA_EXPORT_CASES;

export class Tally {
	passed = 0;
	failed = 0;

	constructor(runtime) {
		this.runtime = runtime;
		this.float = 0;
	}

	// Elements of a file as rows of `length`.
	rows(file, Type, length) {
		const bytes = readFileSync(join(folder, file));
		const all = new Type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
		return Array.from({ length: all.length / length }, (_, i) => all.subarray(i * length, (i + 1) * length));
	}

	// Cases that were exported to the format, with the exported file's path.
	cases(format) {
		const list = readFileSync(join(folder, 'cases.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
		return list.map((one) => ({ ...one, path: join(folder, `${one.name}.${format}`) }));
	}

	// `infer` answers the logits of one image, (h, w, c) floats, and its number.  Fails past 1e-4 of the largest logit.
	async run(one, infer) {
		const images = this.rows(`${one.name}.input`, Float32Array, one.height * one.width * one.channels);
		const wanted = this.rows(`${one.name}.logits`, Float32Array, one.classes);
		let difference = 0;
		let largest = 0;
		for (const [i, image] of images.entries()) {
			const got = await infer(image, i);
			for (const [j, want] of wanted[i].entries()) {
				largest = Math.max(largest, Math.abs(want));
				difference = Math.max(difference, Number.isFinite(got[j]) ? Math.abs(got[j] - want) : Infinity);
			}
		}
		const ok = images.length > 0 && difference <= 1e-4 * Math.max(1, largest);
		this[ok ? 'passed' : 'failed']++;
		this.float = Math.max(this.float, difference / Math.max(1, largest));
		if (!ok)
			console.log(`FAIL ${this.runtime}, ${one.name}: logits up to ${largest} differ by ${difference}`);
	}

	finish() {
		console.log(`${this.runtime}: logits differ by at most ${this.float.toExponential(2)}`);
		console.log(`${this.passed} passed, ${this.failed} failed`);
		process.exitCode = this.failed > 0 || this.passed === 0 ? 1 : 0;
	}
}
