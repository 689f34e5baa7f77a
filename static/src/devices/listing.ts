// A text with line numbers, of which the parts around its faults are shown.
import { h, replace } from '../dom';
import { integer } from '../format';
import type { Fault } from './faults';

const AROUND = 4;       // lines before and after a fault
const REVEALED = 200;   // lines that a step shows
const LINE_MAX = 240;   // characters of a line; longer ones are cut around the fault

export interface Listing {
	element: HTMLElement;
	show(text: string, faults: Fault[]): void; // the first fault gets the focus
	clear(): void;
}

interface Part {
	from: number; // lines, from 1
	to: number;   // the last one
	shown: boolean;
}

// Lines around the faults, and what is between.
function partsOf(lines: number, faults: Fault[]): Part[] {
	const parts: Part[] = [];
	const push = (from: number, to: number, shown: boolean) => from <= to && parts.push({ from, to, shown });
	let next = 1;
	for (const { place } of faults) {
		if (!place) continue;
		const from = Math.max(next, place.line - AROUND), to = Math.min(lines, place.line + AROUND);
		push(next, from - 1, false);
		push(from, to, true);
		next = Math.max(next, to + 1);
	}
	if (next === 1) push(1, Math.min(lines, 2 * AROUND), true);
	push(Math.max(next, (parts.at(-1)?.to ?? 0) + 1), lines, false);
	return parts;
}

function cut(text: string, column: number): string {
	if (text.length <= LINE_MAX) return text;
	const from = Math.max(0, Math.min(column - 1 - LINE_MAX / 3, text.length - LINE_MAX));
	const to = from + LINE_MAX;
	return `${from > 0 ? '… ' : ''}${text.slice(from, to)}${to < text.length ? ' …' : ''}`;
}

function lineElement(lines: string[], number: number, faults: Fault[]): HTMLElement {
	const here = faults.filter((fault) => fault.place?.line === number);
	const item = h('li', { class: here.length ? 'wrong' : null, tabindex: here.length ? -1 : null,
		'data-line': number },
		h('span', { class: 'line-number' }, h('span', { class: 'visually-hidden' }, 'Line '), number),
		h('code', {}, cut(lines[number - 1] ?? '', here[0]?.place?.column ?? 1)));
	for (const fault of here) item.append(h('p', { class: 'fault' }, fault.message));
	return item;
}

export function createListing(): Listing {
	const list = h('ol', { class: 'listing' });
	const element = h('div', { class: 'scroll', role: 'region', 'aria-label': 'The document', tabindex: 0,
		hidden: true }, list);

	const gap = (lines: string[], part: Part, faults: Fault[]): HTMLElement => {
		const n = part.to - part.from + 1;
		const item = h('li', { class: 'gap' }, h('button', { type: 'button', onClick: () => {
			const to = Math.min(part.to, part.from + REVEALED - 1);
			const shown = range(part.from, to).map((number) => lineElement(lines, number, faults));
			if (shown[0]) shown[0].tabIndex = -1;
			const rest = to < part.to ? [gap(lines, { ...part, from: to + 1 }, faults)] : [];
			item.replaceWith(...shown, ...rest);
			shown[0]?.focus();
		} }, n === 1 ? `Show line ${part.from}` : `Show lines ${integer(part.from)} to ${integer(part.to)}`));
		return item;
	};
	return {
		element,
		show(text, faults) {
			const lines = text.split('\n');
			element.hidden = false;
			replace(list, ...partsOf(lines.length, faults).flatMap((part) => part.shown
				? range(part.from, part.to).map((number) => lineElement(lines, number, faults))
				: [gap(lines, part, faults)]));
			list.querySelector<HTMLElement>('.wrong')?.focus();
		},
		clear() {
			element.hidden = true;
			replace(list);
		},
	};
}

function range(from: number, to: number): number[] {
	return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
