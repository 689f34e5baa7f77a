// Bars within tables and lists; their lengths are also said in numbers beside them.
import { h } from '../dom';

// From the left, a part of the whole width.
export function bar(part: number, kind = ''): HTMLElement {
	const fill = h('span', { class: 'fill' });
	fill.style.inlineSize = `${(100 * Math.min(1, Math.max(0, part))).toFixed(2)}%`;
	return h('span', { class: `bar ${kind}`.trim(), 'aria-hidden': 'true' }, fill);
}

// From the middle: to the right what is above 1, to the left what is below, on a logarithmic scale that ends at `most`.
export function ratioBar(ratio: number, most: number): HTMLElement {
	const part = Math.min(1, Math.abs(Math.log(ratio)) / Math.log(most));
	const fill = h('span', { class: 'fill' });
	fill.style.inlineSize = `${(50 * part).toFixed(2)}%`;
	fill.style.insetInlineStart = ratio >= 1 ? '50%' : `${(50 - 50 * part).toFixed(2)}%`;
	return h('span', { class: `bar ratio ${ratio >= 1 ? 'slow' : 'fast'}`, 'aria-hidden': 'true' }, fill);
}
