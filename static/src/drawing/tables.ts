// The drawings as tables.
import { h, replace } from '../dom';
import { bytes, count, milliseconds } from '../format';
import type { Plan } from '../types';
import { unitName } from './cells';
import { opName } from './memory';
import { unitFacts } from './net';
import { measureOf, percent } from './time';

const scrolling = (label: string, table: HTMLTableElement) =>
	h('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: 0 }, table);

const NUMERIC = new Set(['MACs', 'Parameters', 'Bytes', 'Time']);

// What the units add up to; a package has more than their bytes.
function sums(plan: Plan, names: string[]): HTMLTableRowElement[] {
	const around: Record<string, string> = { Bytes: bytes(plan.overhead_bytes) };
	const together: Record<string, string> = {
		MACs: count(plan.macs), Parameters: count(plan.params), Bytes: bytes(plan.storage_bytes),
		Time: plan.latency_ms === null ? '–' : milliseconds(plan.latency_ms),
	};
	const row = (name: string, values: Record<string, string>, share: string) => h('tr', {},
		h('th', { scope: 'row' }, name),
		...names.map((of) => h('td', { class: NUMERIC.has(of) ? 'number' : null }, values[of])),
		h('td', { class: 'number' }, share));
	return [row('Around them', around, ''), row('Together', together, '100 %')];
}

export function unitTable(plan: Plan): HTMLElement {
	const measure = measureOf(plan), first = plan.units[0];
	const names = first ? unitFacts(plan, first).map(([name]) => name) : [];
	const numeric = (name: string) => (NUMERIC.has(name) ? 'number' : null);
	const share = measure.name === 'MACs' ? 'Share of MACs' : 'Share of time';
	return scrolling('Units of the subnet', h('table', { class: 'units' },
		h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Unit'),
			...names.map((name) => h('th', { scope: 'col', class: numeric(name) }, name)),
			h('th', { scope: 'col', class: 'number' }, share))),
		h('tbody', {}, ...plan.units.map((unit) => h('tr', {}, h('th', { scope: 'row' }, unitName(unit)),
			...unitFacts(plan, unit).map(([name, value]) => h('td', { class: numeric(name) }, value)),
			h('td', { class: 'number' }, percent(measure.of(unit) / (measure.total || 1)))))),
		h('tfoot', {}, ...sums(plan, names))));
}

export function memoryTable(plan: Plan): HTMLElement {
	return scrolling('Memory by layer', h('table', { class: 'layers' },
		h('thead', {}, h('tr', {}, ...['Layer', 'Unit', 'Operation'].map((name) => h('th', { scope: 'col' }, name)),
			h('th', { scope: 'col', class: 'number' }, 'Memory'))),
		h('tbody', {}, ...plan.memory.map((step, i) => {
			const unit = plan.units[step.unit];
			return h('tr', { class: step.bytes === plan.peak_memory_bytes ? 'most' : null },
				h('td', {}, i + 1), h('td', {}, unit ? unitName(unit) : ''), h('td', {}, opName(step.op)),
				h('td', { class: 'number' }, bytes(step.bytes)));
		}))));
}

// A table that is made once it is opened.
export function folded(summary: string): { element: HTMLDetailsElement; fill(make: () => HTMLElement): void } {
	const body = h('div');
	const element = h('details', {}, h('summary', {}, summary), body);
	let make: (() => HTMLElement) | null = null;
	const show = () => {
		if (element.open && make) replace(body, make());
	};
	element.addEventListener('toggle', show);
	return {
		element,
		fill(next) {
			make = next;
			show();
		},
	};
}
