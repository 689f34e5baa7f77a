// Tables that may be wider than their place.
import { h, type Child } from './dom';

// What is too wide is scrolled, by the keyboard too.
export function scroll(label: string, ...children: Child[]): HTMLElement {
	return h('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: 0 }, ...children);
}

// Columns from the one with the index `numbers` on are of numbers.
export function headings(names: readonly string[], numbers = names.length): HTMLElement {
	return h('thead', {}, h('tr', {}, ...names.map((name, i) =>
		h('th', { scope: 'col', class: i >= numbers ? 'number' : null }, name))));
}
