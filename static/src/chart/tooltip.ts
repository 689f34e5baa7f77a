// What is known of a point, beside it.  Readers of the screen have it as the point's label.
import { h, replace } from '../dom';
import { accuracy, RESOURCE } from '../format';
import type { Resource } from '../types';
import { facts, nameOf } from './describe';
import type { Target } from './fronts';
import { accuracyOf } from './model';

export interface Tooltip {
	element: HTMLElement;
	show(target: Target, metric: Resource, several: boolean, x: number, y: number): void;
	hide(): void;
}

function rows(target: Target, metric: Resource, several: boolean): Node[] {
	if (target.kind === 'published') {
		const { name, source, x } = target.published;
		return [
			h('strong', {}, accuracy(target.published.accuracy)), h('span', {}, `${name}, published`),
			h('dl', {}, h('dt', {}, nameOf(metric)), h('dd', {}, RESOURCE[metric].format(x))),
			h('span', { class: 'muted' }, source),
		];
	}
	const { point, front } = target;
	return [
		h('strong', {}, accuracy(accuracyOf(point))),
		...(several && front.device ? [h('span', {}, front.device)] : []),
		h('dl', {}, ...facts(point).flatMap(([name, text]) => [h('dt', {}, name), h('dd', {}, text)]),
			h('dt', {}, 'Image'), h('dd', {}, `${point.arch.image_size} px`)),
	];
}

export function createTooltip(): Tooltip {
	const element = h('div', { class: 'tooltip', 'aria-hidden': 'true', hidden: true });
	return {
		element,
		// x, y: of the point, in the element's parent, in which the tooltip stays.
		show(target, metric, several, x, y) {
			replace(element, ...rows(target, metric, several));
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
