// The two subnets that are not of the front: the answer and the one that is pinned.
import { s } from '../dom';
import { accuracy } from '../format';
import type { Axes } from './axes';
import { accuracyOf, valueOf, type Numbers } from './model';

export interface Marker {
	element: SVGGElement;
	place(axes: Axes, point: Numbers | null): void;
}

export function createMarker(name: string, labelled: boolean): Marker {
	const text = s('text', { class: 'amount', 'text-anchor': 'middle' });
	const element = s('g', { class: `marker ${name}`, 'aria-hidden': 'true' },
		s('circle', { class: 'halo' }), s('circle', { class: 'core' }), text);
	return {
		element,
		place(axes, point) {
			const x = point ? axes.x(valueOf(point, axes.metric)) : NaN, y = point ? axes.y(accuracyOf(point)) : NaN;
			const seen = x >= 0 && x <= axes.width && y >= 0 && y <= axes.height;
			element.setAttribute('visibility', seen ? 'visible' : 'hidden');
			if (!seen || !point) return;
			element.setAttribute('transform', `translate(${x.toFixed(1)},${y.toFixed(1)})`);
			if (!labelled) return;
			text.textContent = accuracy(accuracyOf(point));
			text.setAttribute('y', y < 40 ? '34' : '-18');
			text.setAttribute('text-anchor', x < 40 ? 'start' : x > axes.width - 40 ? 'end' : 'middle');
		},
	};
}
