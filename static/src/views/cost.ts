// Cost: what specialising takes, and how the network was trained.
import { query } from '../api';
import { createComparison } from '../cost/comparison';
import { createDevicesField } from '../cost/devices_field';
import { historyPanel } from '../cost/history';
import { phasesOf } from '../cost/phases';
import { timeline } from '../cost/timeline';
import { h, replace } from '../dom';
import { Gesture } from '../gesture';
import type { State } from '../state';
import type { Ledger, Network } from '../types';
import { Latest, type ViewFactory } from '../view';

const DEVICES = 40; // as many as in the comparison that the conventional costs are from

function training(network: Network): HTMLElement[] {
	const phases = phasesOf(network.lineage);
	const { history } = network;
	return [
		phases.length ? timeline(phases) : h('p', { class: 'muted' },
			'The file of this network does not say how it was trained.'),
		history?.evaluations.length ? historyPanel(history) : h('p', { class: 'muted' },
			'The file of this network does not hold its accuracy over the training. ',
			h('code', {}, 'ofa train'), ' writes it; to a file from before, ',
			h('code', {}, 'ofa card --history'), ' adds it.'),
	];
}

export const createCost: ViewFactory = (root, session) => {
	const { store, api } = session;
	const comparison = createComparison();
	const gesture = new Gesture(store);
	const field = createDevicesField({ onChange: (devices) => gesture.set({ devices }), onEnd: () => gesture.end() });
	const trained = h('div', { class: 'training-body' }),
		trainedTitle = h('h3', { id: 'training-title' }, 'How it was trained');
	const latest = new Latest();
	let shown: Network | null = null;

	const showLedger = (state: State) => latest.run(async (signal) => {
		const devices = state.devices ?? DEVICES;
		field.show(devices);
		const ledger = await api.json<Ledger>('ledger' + query({ devices }), { signal });
		if (!signal.aborted) comparison.show(ledger);
	});
	const showTraining = async (state: State) => {
		const network = await session.network(state.network);
		if (network === shown || store.state.network !== state.network) return;
		shown = network;
		trainedTitle.textContent = `How ${network.name} was trained`;
		replace(trained, ...training(network));
	};
	replace(root, h('h2', {}, 'Cost'),
		h('div', { class: 'cost-view' },
			h('section', { class: 'card', 'aria-labelledby': 'comparison-title' },
				h('h3', { id: 'comparison-title' }, 'Specialising here, and conventionally'),
				field.element, comparison.element),
			h('section', { class: 'card', 'aria-labelledby': 'training-title' }, trainedTitle, trained)));
	return {
		async update(state, changed) {
			await Promise.all([changed.has('devices') && showLedger(state),
				changed.has('network') && showTraining(state)]);
		},
		destroy() { latest.stop(); },
	};
};
