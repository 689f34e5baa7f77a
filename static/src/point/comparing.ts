// The chosen subnet against the largest and against the one that is pinned.
import { h, replace } from '../dom';
import { smallNet } from '../drawing/net';
import type { Scale } from '../drawing/layout';
import type { Plan } from '../types';
import { against, differences, figure, FIGURES } from './compare';

export interface Other {
	name: string;
	plan: Plan;
	pinned: boolean;
}

function table(chosen: Plan, others: Other[]): HTMLElement {
	const heads = others.flatMap(({ name }) => [
		h('th', { scope: 'col', class: 'number' }, name), h('th', { scope: 'col' }, 'Chosen has')]);
	const rows = FIGURES.map((what) => h('tr', {}, h('th', { scope: 'row' }, what.name),
		h('td', { class: 'number' }, figure(what, chosen)),
		...others.flatMap(({ plan }) => [h('td', { class: 'number' }, figure(what, plan)),
			h('td', { class: 'ratio' }, against(what, chosen, plan))])));
	return h('div', { class: 'scroll', role: 'region', 'aria-label': 'Figures', tabindex: 0 },
		h('table', { class: 'against' },
			h('thead', {}, h('tr', {}, h('td'), h('th', { scope: 'col', class: 'number' }, 'Chosen'), ...heads)),
			h('tbody', {}, ...rows)));
}

function beside(name: string, kind: string, plan: Plan, other: Plan, scale: Scale): HTMLElement {
	return h('figure', { class: kind }, h('figcaption', {}, name), smallNet(plan, other, scale, `${name} subnet, small`));
}

function differing(chosen: Plan, pinned: Plan): HTMLElement {
	const found = differences(chosen, pinned);
	if (!found.length) return h('p', { class: 'muted' }, 'The chosen subnet is the pinned one.');
	return h('div', {}, h('h4', {}, 'How the chosen subnet differs from the pinned one'),
		h('ul', {}, ...found.map((sentence) => h('li', {}, sentence))));
}

export interface Comparing {
	element: HTMLElement;
	// trouble: why there is no plan of the pinned one
	show(chosen: Plan, others: Other[], scale: Scale, trouble: string | null): void;
}

export function createComparing(): Comparing {
	const body = h('div', { class: 'comparing' });
	return {
		element: h('section', { class: 'card compare', 'aria-label': 'Comparison' }, h('h3', {}, 'Against others'), body),
		show(chosen, others, scale, trouble) {
			const pinned = others.find((other) => other.pinned), other = pinned ?? others[0];
			const hint = 'Pin this subnet and choose another one to compare the two.';
			body.classList.toggle('with-pinned', pinned !== undefined);
			replace(body, table(chosen, others),
				h('div', { class: 'sentences' },
					trouble && h('p', { class: 'trouble' }, `The pinned subnet: ${trouble}`),
					pinned ? differing(chosen, pinned.plan) : h('p', { class: 'muted' }, hint)),
				h('div', { class: 'side' },
					other && beside('Chosen', 'is-chosen', chosen, other.plan, scale),
					other && beside(other.name, pinned ? 'is-pinned' : 'is-largest', other.plan, chosen, scale)));
		},
	};
}
