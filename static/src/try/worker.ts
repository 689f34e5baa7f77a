// Runs packages beside the page, so that nothing that the page draws waits for a network.
import type { PackageInfo, Reply, Request, RunAnswer } from './protocol';
import { Runtime, type Runner } from './runtime';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const runtime = Runtime.fetch(new URL('device.wasm', location.href));
const runners = new Map<string, Runner>();

// Clocks of browsers are too coarse for one run of a small network: it is run until so much time has passed.
const MEASURE_MS = 4, MEASURE_RUNS_MAX = 200;

function classify(runner: Runner, pixels: Uint8Array): RunAnswer {
	const begin = performance.now();
	let runs = 0, passed = 0, logits: Float32Array;
	do {
		logits = runner.classify(pixels);
		passed = performance.now() - begin;
	} while (++runs < MEASURE_RUNS_MAX && passed < MEASURE_MS);
	return { logits, ms: passed / runs };
}

async function answer(request: Request): Promise<PackageInfo | RunAnswer | null> {
	if (request.kind === 'load') {
		const runner = await (await runtime).load(request.bytes);
		runners.set(request.key, runner);
		return runner.info;
	}
	if (request.kind === 'drop') {
		runners.delete(request.key);
		return null;
	}
	const runner = runners.get(request.key);
	if (!runner) throw new Error('there is no such package');
	return classify(runner, request.pixels);
}

scope.addEventListener('message', (event: MessageEvent<Request>) => {
	const { call } = event.data;
	const reply = (r: Reply) => scope.postMessage(r);
	answer(event.data).then(
		(value) => reply({ call, value }),
		(e: unknown) => reply({ call, error: e instanceof Error ? e.message : String(e) }));
});
