// TFLite files run by Arm NN's reference backend against what the packages say; OFA_ARMNN is armnn.cpp, compiled.
import { execFileSync } from 'node:child_process';
import { Tally } from './cases.mjs';

const tally = new Tally('Arm NN');
for (const one of tally.cases('tflite')) {
	const base = one.path.replace(/\.tflite$/, '');
	execFileSync(process.env.OFA_ARMNN, [one.path, `${base}.input`, `${base}.armnn`]);
	const logits = tally.rows(`${one.name}.armnn`, Float32Array, one.classes);
	await tally.run(one, (image, i) => logits[i]);
}
tally.finish();
