// From the state to what the chart shows: the cloud first, then the fronts as they come.
import type { Session } from '../session';
import { SAMPLES, type State } from '../state';
import type { Limits, Network, Reference, Resource } from '../types';
import { overlayColour } from './overlays';
import { accuracyOf, rangeOf, type Front, type Published, type Scene } from './model';

// The smallest and the largest that there is, or that the samples came upon.
export interface Range {
	range: [number, number];
	sampled: boolean;
}

export interface Loaded {
	scene: Scene;
	network: Network;
	timed: boolean;      // the device's latencies are of this type of packages
	own: Limits;         // of the device
	feasible: Partial<Record<Resource, Range>>;
	remarks: Map<string, string>; // on devices that have no front here
	missing: 'cloud' | 'front' | null; // what is still to come
}

// Those of the network's card that are of this type or of none.
function published(references: Reference[], state: State): Published[] {
	return references.filter((r) => (r.dtype ?? state.dtype) === state.dtype).map((r) => ({
		name: r.name, source: r.source, accuracy: r.accuracy,
		values: {
			latency_ms: r.latency_ms?.[state.profile ?? ''] ?? NaN, macs: r.macs ?? NaN,
			peak_memory_bytes: r.peak_memory_bytes ?? NaN, storage_bytes: r.storage_bytes ?? NaN,
		},
	}));
}

function feasibleOf(loaded: Omit<Loaded, 'feasible'>, state: State): Loaded['feasible'] {
	const feasible: Loaded['feasible'] = {};
	const own = loaded.scene.fronts.filter(({ device }) => device === state.profile);
	for (const resource of ['latency_ms', 'macs', 'peak_memory_bytes', 'storage_bytes'] as const) {
		const told = state.dtype === 'float32' ? loaded.network.feasible[resource] : undefined;
		const range: [number, number] | null = told ? [told.min, told.max] : rangeOf(loaded.scene, resource, own);
		if (range) feasible[resource] = { range, sampled: !told };
	}
	return feasible;
}

export async function load(
	session: Session, state: State, signal: AbortSignal, show: (loaded: Loaded) => void,
): Promise<void> {
	const network = await session.network(state.network);
	const timed = await session.times(state.profile, state.dtype);
	const wanted = await session.metric(state), metric = wanted === 'latency_ms' && !timed ? 'macs' : wanted;
	const own = (state.profile ? (await session.profile(state.profile)).limits : undefined) ?? {};
	const scene: Scene = { metric, samples: null, fronts: [], published: published(network.references ?? [], state) };
	const remarks = new Map<string, string>();
	const found = new Map<number, Front>(); // by place: the main device's first
	let missing: Loaded['missing'] = null;
	const tell = () => {
		if (signal.aborted) return;
		scene.fronts = [...found].sort(([a], [b]) => a - b).map(([, front]) => front);
		missing = !scene.samples ? 'cloud' : !found.has(0) ? 'front' : null;
		const loaded = { scene: { ...scene }, network, timed, own, remarks, missing };
		show({ ...loaded, feasible: feasibleOf(loaded, state) });
	};
	const front = async (place: number, device: string | null, colour: string) => {
		const { points } = await session.pareto(network.name, device, state.dtype, metric);
		found.set(place, { device, colour, points: points.filter((point) => !Number.isNaN(accuracyOf(point))) });
		if (scene.samples) tell();
	};
	const overlay = async (device: string, i: number) => {
		if (metric !== 'latency_ms') return;
		try {
			remarks.set(device, 'searching …');
			const known = await session.times(device, state.dtype);
			if (known) await front(1 + i, device, overlayColour(i));
			if (known) remarks.delete(device);
			else remarks.set(device, `no latencies of ${state.dtype}`);
		} catch (e) {
			remarks.set(device, e instanceof Error ? e.message : String(e));
		}
		if (scene.samples) tell();
	};
	if (metric !== 'latency_ms' && state.overlays.length)
		for (const device of state.overlays) remarks.set(device, 'differs in latency only');
	await Promise.all([
		session.samples(network.name, state.profile, state.dtype, state.samples ?? SAMPLES.default).then((samples) => {
			scene.samples = samples;
			tell();
		}),
		front(0, state.profile, 'main'),
		...state.overlays.map(overlay),
	]);
}
