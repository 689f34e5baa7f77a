// The limit on the axis: a line that is dragged, or moved by keys.
import { s } from '../dom';
import { RESOURCE } from '../format';
import { rounded, type Axes } from './axes';

export interface LimitEvents {
	onLimit(value: number | null, time: number): void; // time: of the event, as performance.now() tells it
	onEnd(): void;
}

export interface LimitLine {
	room: SVGRectElement; // under the cloud: what the limit leaves
	veil: SVGRectElement; // over it: what is beyond
	element: SVGGElement;
	// feasible: the smallest and the largest that there is; null: not known yet.
	place(axes: Axes, limit: number | undefined, feasible: [number, number] | null, rem: number): void;
	refuse(refused: boolean): void;
}

const STEP = 1 / 200, PAGE = 1 / 20; // of the axis

export function createLimitLine(events: LimitEvents): LimitLine {
	const veil = s('rect', { class: 'veil' }), room = s('rect', { class: 'room' });
	const line = s('line', { class: 'line' }), grip = s('rect', { class: 'grip' });
	const reach = s('rect', { class: 'reach' });
	const text = s('text', { class: 'amount', 'text-anchor': 'middle', 'dominant-baseline': 'central' });
	const handle = s('g', { class: 'limit', role: 'slider', tabindex: 0, 'aria-orientation': 'horizontal' },
		reach, line, grip, text);
	let axes: Axes | null = null, at = 0, range: [number, number] | null = null;

	// Beyond all that there is, it is no limit.
	const moveTo = (px: number, time: number) => {
		if (!axes) return;
		const value = rounded(axes.x, Math.min(Math.max(px, 0), axes.width));
		const none = px >= axes.width || (range !== null && value >= range[1]);
		events.onLimit(none ? null : value, time);
	};
	handle.addEventListener('pointerdown', (event) => {
		if (event.button !== 0 || !axes) return;
		event.preventDefault();
		handle.focus();
		handle.setPointerCapture(event.pointerId);
		handle.classList.add('held');
		const offset = event.clientX - at; // the line stays where it was taken
		const move = (e: PointerEvent) => moveTo(e.clientX - offset, e.timeStamp);
		const end = () => {
			handle.removeEventListener('pointermove', move);
			handle.classList.remove('held');
			events.onEnd();
		};
		handle.addEventListener('pointermove', move);
		handle.addEventListener('lostpointercapture', end, { once: true });
	});
	handle.addEventListener('keydown', (event) => {
		if (!axes) return;
		const page = event.shiftKey ? PAGE : STEP, { width } = axes;
		const to: Record<string, number> = {
			ArrowRight: at + width * page, ArrowUp: at + width * page,
			ArrowLeft: at - width * page, ArrowDown: at - width * page,
			PageUp: at + width * PAGE, PageDown: at - width * PAGE,
			Home: range ? axes.x(range[0]) + 1 : 0, End: width, Delete: width, Backspace: width,
		};
		const px = to[event.key];
		if (px === undefined) return;
		event.preventDefault();
		moveTo(px, event.timeStamp);
	});
	handle.addEventListener('blur', () => events.onEnd());

	return {
		room, veil, element: handle,
		place(next, limit, feasible, rem) {
			axes = next;
			range = feasible;
			const info = RESOURCE[next.metric], { width, height } = next;
			at = limit === undefined ? width : Math.min(Math.max(next.x(limit), 0), width);
			setAll(room, { x: 0, y: 0, width: at, height });
			setAll(veil, { x: at, y: 0, width: width - at, height });
			setAll(line, { x1: 0, x2: 0, y1: 0, y2: height });
			setAll(reach, { x: -rem, y: -1.7 * rem, width: 2 * rem, height: height + 1.7 * rem });
			const label = limit === undefined ? '◂ limit' : info.format(limit);
			const half = Math.max(2, 0.32 * label.length + 0.5) * rem;
			// The grip stays in the plot at its ends.
			const shift = Math.min(Math.max(0, half - at), 2 * half) - Math.max(0, at + half - width - 0.5 * rem);
			setAll(grip, { x: shift - half, y: -1.7 * rem, width: 2 * half, height: 1.7 * rem, rx: 0.85 * rem });
			setAll(text, { x: shift, y: -0.83 * rem });
			text.textContent = label;
			setAll(handle, {
				transform: `translate(${at.toFixed(1)},0)`,
				'aria-label': `Limit on ${info.short}`,
				'aria-valuemin': feasible?.[0] ?? 0,
				'aria-valuemax': feasible?.[1] ?? next.x.domain()[1] ?? 0,
				'aria-valuenow': limit ?? feasible?.[1] ?? next.x.domain()[1] ?? 0,
				'aria-valuetext': limit === undefined ? 'no limit' : info.format(limit),
			});
			handle.classList.toggle('none', limit === undefined);
		},
		refuse(refused) {
			handle.classList.toggle('refused', refused);
		},
	};
}

function setAll(element: SVGElement, attributes: Record<string, string | number>): void {
	for (const [name, value] of Object.entries(attributes)) {
		const text = String(value);
		if (element.getAttribute(name) !== text) element.setAttribute(name, text);
	}
}
