// What is shown in place of a subnet that cannot be.
import type { Problem } from '../api';
import { h } from '../dom';
import { RESOURCE, value } from '../format';
import type { Store } from '../state';
import { RESOURCES } from '../types';

function ranges(feasible: NonNullable<Problem['feasible']>): HTMLElement {
	const rows = RESOURCES.flatMap((resource) => {
		const range = feasible[resource];
		return range ? [h('tr', {}, h('th', { scope: 'row' }, RESOURCE[resource].name),
			h('td', { class: 'number' }, value(resource, range.min)),
			h('td', { class: 'number' }, value(resource, range.max)))] : [];
	});
	return h('table', {},
		h('caption', {}, 'What this network can do'),
		h('thead', {}, h('tr', {}, h('td'), h('th', { scope: 'col', class: 'number' }, 'Smallest'),
			h('th', { scope: 'col', class: 'number' }, 'Largest'))),
		h('tbody', {}, ...rows));
}

export function refusal(problem: Problem, store: Store): HTMLElement {
	const fixed = store.state.arch !== null;
	return h('section', { class: 'card refused', role: 'alert' },
		h('h3', {}, problem.title ?? 'The server refuses this subnet'),
		h('p', {}, problem.detail ?? ''),
		problem.feasible && ranges(problem.feasible),
		h('p', { class: 'buttons' },
			h('a', { class: 'button primary', href: store.link({ view: 'front' }) }, 'Back to the front'),
			fixed ? h('a', { class: 'button', href: store.link({ arch: null }) }, 'The best within the limits instead')
				: h('a', { class: 'button', href: store.link({ limits: {} }) }, 'Without limits')));
}
