// The device runtime against onnxruntime-node, ms per image on one thread: packages of subnets of a network as float32,
// float16 and int8, and their exports to ONNX (float32, and int8 as QDQ), run in turns; medians over the rounds, and the
// median of the ratios. What one call of onnxruntime costs is part of its time, as ofa_device_run()'s is of ours.
//   node bench/device_onnx.mjs [--rounds N] [--runs N] [NET ARCHS.json]
// (default: 7 rounds of 200 runs of models/fashion). ARCHS.json is an array of archs. Needs cli/ofa and bench/device in
// OFA_BUILDDIR (default: this tree), and the packages of tests/export/package-lock.json, which tests/export/run installs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const tree = new URL('..', import.meta.url).pathname;
const build = process.env.OFA_BUILDDIR ?? tree;
const ort = createRequire(join(tree, 'tests/export/'))('onnxruntime-node');
const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: { rounds: { type: 'string', default: '7' }, runs: { type: 'string', default: '200' } },
});
const [rounds, runs] = [Number(options.rounds), Number(options.runs)];
const net = positionals[0] ?? join(tree, 'models/fashion/fashion.safetensors');
const archs = JSON.parse(readFileSync(positionals[1] ?? join(tree, 'models/fashion/archs.json')));
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

// One package of each type, and a session for those that can be exported.
async function prepare(dir, arch, i) {
	const side = arch.image_size;
	const archPath = join(dir, `${i}.json`);
	writeFileSync(archPath, JSON.stringify(arch));
	const cases = [];
	for (const type of ['float32', 'float16', 'int8']) {
		const path = join(dir, `${i}-${type}.ofa`);
		execFileSync(join(build, 'cli/ofa'), ['pack', net, '--arch', archPath, '--dtype', type, '-o', path]);
		const one = { type, path, side, ours: [], theirs: [], ratios: [] };
		if (type !== 'float16') {
			execFileSync(join(build, 'cli/ofa'), ['export', path, '--to', 'onnx', '-o', `${path}.onnx`]);
			one.session = await ort.InferenceSession.create(`${path}.onnx`, {
				intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3,
			});
			const shape = [1, Number(process.env.OFA_CHANNELS ?? 1), side, side];
			one.input = { input: new ort.Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b)), shape) };
		}
		cases.push(one);
	}
	return cases;
}

function measureOurs(one) {
	const line = execFileSync(join(build, 'bench/device'), [String(runs), one.path], { encoding: 'utf8' });
	const [ms, arena, macs, kernels] = line.split(' ');
	Object.assign(one, { arena, macs, kernels });
	one.ours.push(Number(ms));
}

async function measureTheirs(one) {
	const times = [];
	for (let i = 0; i < 2 * runs; i++) {
		const begin = process.hrtime.bigint();
		await one.session.run(one.input);
		times[i % runs] = Number(process.hrtime.bigint() - begin) / 1e6;
	}
	one.theirs.push(median(times));
	one.ratios.push(one.theirs.at(-1) / one.ours.at(-1));
}

const dir = mkdtempSync(join(tmpdir(), 'ofa-bench-'));
try {
	const cases = [];
	for (const [i, arch] of archs.entries())
		cases.push(...await prepare(dir, arch, i));
	for (let round = 0; round < rounds; round++) {
		for (const one of cases) {
			measureOurs(one);
			if (one.session)
				await measureTheirs(one);
		}
	}
	console.log('| image | MMACs | type | kernels | arena, bytes | device, ms | onnxruntime, ms | times |');
	console.log('|---|---|---|---|---|---|---|---|');
	for (const one of cases) {
		const theirs = one.session ? `${median(one.theirs).toFixed(3)} | ${median(one.ratios).toFixed(2)}` : '|';
		console.log(`| ${one.side} | ${(one.macs / 1e6).toFixed(2)} | ${one.type} | ${one.kernels} | ${one.arena} | ` +
			`${median(one.ours).toFixed(3)} | ${theirs} |`);
	}
} finally {
	rmSync(dir, { recursive: true });
}
