// The phases one below the other, each where it lies in the whole training.
import { h } from '../dom';
import { headings, scroll } from '../tables';
import type { Phase } from './phases';

const epochs = (n: number) => `${Number(n.toFixed(2))} ${n === 1 ? 'epoch' : 'epochs'}`;

function span(phase: Phase, total: number): HTMLElement {
	const fill = h('span', { class: 'fill' });
	fill.style.insetInlineStart = `${(100 * phase.begin / total).toFixed(2)}%`;
	fill.style.inlineSize = `${(100 * phase.epochs / total).toFixed(2)}%`;
	return h('span', { class: 'bar span', 'aria-hidden': 'true' }, fill);
}

export function timeline(phases: Phase[]): HTMLElement {
	const total = phases.reduce((n, phase) => n + phase.epochs, 0);
	return scroll('The phases of the training', h('table', { class: 'timeline' },
		headings(['Phase', 'Epochs', 'When']),
		h('tbody', {}, ...phases.map((phase) => h('tr', { 'data-phase': phase.name },
			h('th', { scope: 'row' }, phase.name, h('span', { class: 'opens' }, phase.opens)),
			h('td', { class: 'number' }, Number(phase.epochs.toFixed(2))),
			h('td', {}, span(phase, total), h('span', { class: 'visually-hidden' },
				`from ${Number(phase.begin.toFixed(2))}`))))),
		h('caption', {}, `${phases.length} phases, ${epochs(total)} over all`)));
}
