// What is known of a point, beside it.  Readers of the screen have it as the point's label.
import { h, replace } from '../dom';
import { accuracy } from '../format';
import { facts } from './describe';
import type { Target } from './fronts';
import { accuracyOf, valueOf } from './model';

export interface Tooltip {
	element: HTMLElement;
	show(target: Target, several: boolean, x: number, y: number): void;
	hide(): void;
}

const list = (items: [name: string, text: string][]) =>
	items.flatMap(([name, text]) => [h('dt', {}, name), h('dd', {}, text)]);

function rows(target: Target, several: boolean): Node[] {
	if (target.kind === 'published') {
		const { name, source, values } = target.published;
		return [
			h('strong', {}, accuracy(target.published.accuracy)), h('span', {}, `${name}, published`),
			h('dl', {}, ...list(facts((resource) => values[resource]))),
			h('span', { class: 'muted' }, source),
		];
	}
	const { point, front } = target;
	return [
		h('strong', {}, accuracy(accuracyOf(point))),
		...(several && front.device ? [h('span', {}, front.device)] : []),
		h('dl', {}, ...list([
			...facts((resource) => valueOf(point, resource)), ['Image', `${point.arch.image_size} px`],
		])),
	];
}

export function createTooltip(): Tooltip {
	const element = h('div', { class: 'tooltip', 'aria-hidden': 'true', hidden: true });
	return {
		element,
		// x, y: of the point, in the element's parent, in which the tooltip stays.
		show(target, several, x, y) {
			replace(element, ...rows(target, several));
			element.hidden = false;
			const room = element.offsetParent?.clientWidth ?? 0, { offsetWidth: width, offsetHeight: height } = element;
			const left = x + 14 + width <= room ? x + 14 : Math.max(0, x - 14 - width);
			element.style.left = `${left}px`;
			element.style.top = `${Math.max(0, y - height - 10)}px`;
		},
		hide() {
			element.hidden = true;
		},
	};
}
