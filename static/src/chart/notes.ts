// What is not in the chart, why, and what would bring it there.
import { h, replace, type Child } from '../dom';
import type { State, Store } from '../state';
import type { Loaded } from './load';

export interface Notes {
	element: HTMLElement;
	update(state: State, loaded: Loaded, anyProfile: boolean): void;
}

const code = (text: string) => h('code', {}, text);

function unknownAccuracy(state: State, loaded: Loaded): Child[] | null {
	const { samples, fronts } = loaded.scene;
	const known = samples?.accuracy.some((a) => !Number.isNaN(a)) || fronts.some((front) => front.points.length);
	if (loaded.missing || known) return null;
	return [`What ${state.dtype} costs the accuracy of ${loaded.network.name} was not measured, so nothing is drawn. `,
		code(`ofa predictor fit --dtype ${state.dtype}`), ' measures it and writes it into the network file.'];
}

function noLatency(state: State, loaded: Loaded, anyProfile: boolean, devices: HTMLElement): Child[] | null {
	if (loaded.timed) return null;
	if (!anyProfile)
		return ['No device is known here, so latency is not. ', code('ofa measure'), ' on a device makes its profile, ',
			code('ofa push'), ' or ', devices, ' brings it here.'];
	if (!state.profile) return ['Choose a device above to see its latency.'];
	return [`The latencies of ${state.profile} are not of ${state.dtype} packages: `,
		code(`ofa measure --dtype ${state.dtype}`), ' makes a profile that has them.'];
}

export function createNotes(store: Store): Notes {
	const element = h('p', { class: 'notes muted', hidden: true });
	return {
		element,
		update(state, loaded, anyProfile) {
			const devices = h('a', { href: store.link({ view: 'devices' }) }, 'Devices');
			const note = unknownAccuracy(state, loaded) ?? noLatency(state, loaded, anyProfile, devices);
			element.hidden = note === null;
			replace(element, ...(note ?? []));
		},
	};
}
