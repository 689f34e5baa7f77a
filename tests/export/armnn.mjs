// TFLite files run by Arm NN's reference backend against what the packages say, int8 ones with int8 ends; OFA_ARMNN is
// armnn.cpp, compiled.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Tally } from './cases.mjs';

// The parser of Arm NN 20.08 fills PAD with 0 where the operator means the zero point; later ones do not.
const misread = (one) => one.dtype === 'int8' && readFileSync(one.path).includes('/padded');

const tally = new Tally('Arm NN');
let skipped = 0;
for (const one of tally.cases('.tflite', '.int8.tflite')) {
	if (misread(one)) {
		skipped++;
		continue;
	}
	const base = one.path.replace(/(\.int8)?\.tflite$/, '');
	const int8 = one.dtype === 'int8';
	execFileSync(process.env.OFA_ARMNN, [one.path, `${base}.input${int8 ? '8' : ''}`, `${base}.armnn`]);
	const results = tally.rows(`${one.name}.armnn`, int8 ? Int8Array : Float32Array, one.classes);
	const value = (q) => (int8 ? one.unit * (q - one.zero) : q);
	await tally.run(one, (image, i) => Float32Array.from(results[i], value));
}
console.log(`  ${skipped} int8 cases with PAD left out`);
tally.finish();
