// A place in which what is too wide is scrolled, by the keyboard too.
import { h, type Child } from './dom';

export function scroll(label: string, ...children: Child[]): HTMLElement {
	return h('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: 0 }, ...children);
}
