// TFLite files run by LiteRT (Google's interpreter with XNNPACK, as WebAssembly) against what the packages say.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import vm from 'node:vm';
import { Tally } from './cases.mjs';

// It is made for browsers: what it expects of a worker there.
const require = createRequire(import.meta.url);
const folder = join(dirname(require.resolve('@litertjs/core/package.json')), 'wasm');
Object.assign(globalThis, { self: globalThis, require, __dirname: folder, __filename: join(folder, 'x.js') });
console.error = console.warn = () => {}; // about accelerators that are not there
globalThis.WorkerGlobalScope = class {};
globalThis.location = { href: `file://${folder}/` };
globalThis.importScripts = (path) => vm.runInThisContext(readFileSync(path, 'utf8'), { filename: path });
globalThis.fetch = async (path) => new Response(readFileSync(path));

const { loadAndCompile, loadLiteRt, Tensor } = await import('@litertjs/core');
await loadLiteRt(`${folder}/`);

const tally = new Tally('LiteRT');
for (const one of tally.cases('.tflite')) {
	const model = await loadAndCompile(new Uint8Array(readFileSync(one.path)), { accelerator: 'wasm' });
	const { height, width, channels } = one;
	await tally.run(one, async (image) => {
		const input = new Tensor(image, [1, height, width, channels]);
		const [output] = await model.run(input);
		const logits = output.toTypedArray().slice();
		input.delete();
		output.delete();
		return logits;
	});
	model.delete();
}
tally.finish();
process.exit();
