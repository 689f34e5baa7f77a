// What the small charts share: a drawing as wide as its place, axes, and a way to step through values by keys.
import { h, replace, s } from '../dom';

export interface Frame {
	rem: number; // what text and margins are measured in; all others are pixels too
	width: number;
	height: number;
	left: number; // margins
	right: number;
	top: number;
	bottom: number;
}

export interface Axis {
	title: string;
	ticks: number[];
	at: (value: number) => number; // pixels
	format: (value: number) => string;
}

export const remInPixels = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

// Draws anew whenever its width changes.
export function responsive(draw: (width: number) => Element): { element: HTMLElement; redraw(): void } {
	const element = h('div', { class: 'plot' });
	let width = 0;
	const redraw = () => { if (width > 0) replace(element, draw(width)); };
	new ResizeObserver((entries) => {
		const next = Math.floor(entries[0]?.contentRect.width ?? 0);
		if (next === width) return;
		width = next;
		redraw();
	}).observe(element);
	return { element, redraw };
}

export function drawAxes(frame: Frame, x: Axis, y: Axis): SVGGElement {
	const { left, top, rem } = frame, right = frame.width - frame.right, bottom = frame.height - frame.bottom;
	return s('g', { class: 'axes' },
		...y.ticks.flatMap((tick) => [
			s('line', { x1: left, x2: right, y1: y.at(tick), y2: y.at(tick) }),
			s('text', { x: left - 0.4 * rem, y: y.at(tick), dy: '0.32em', 'text-anchor': 'end' },
				y.format(tick)),
		]),
		...x.ticks.flatMap((tick) => [
			s('line', { x1: x.at(tick), x2: x.at(tick), y1: top, y2: bottom }),
			s('text', { x: x.at(tick), y: bottom + rem, 'text-anchor': 'middle' }, x.format(tick)),
		]),
		s('text', { class: 'axis-title', x: right, y: frame.height - 0.25 * rem, 'text-anchor': 'end' },
			x.title),
		s('text', { class: 'axis-title', x: left, y: 0.75 * rem }, y.title));
}

// Ticks of a logarithmic scale, about so many: powers of ten, with 2 and 5 between where these are few.
export function logTicks(low: number, high: number, most = 7): number[] {
	const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
	const steps = last - first > 3 ? [1] : [1, 2, 5];
	const every = Math.max(1, Math.ceil((last - first + 1) / most));
	const ticks: number[] = [];
	for (let power = first; power <= last; power += every)
		for (const step of steps) ticks.push(Number((step * 10 ** power).toPrecision(1)));
	return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}

export interface SteppingOptions {
	label: string;
	n: number;
	describe: (index: number) => string;
	mark: (index: number | null) => void;
}

export interface Steps {
	element: HTMLElement;
	move(index: number | null): void;
}

// Makes the chart one control whose value is the index of what is looked at; what that is stands below the chart.
export function stepping(chart: Element, options: SteppingOptions): Steps {
	const { label, n, describe, mark } = options;
	const idle = 'Point at the chart, or step through it with the arrow keys.';
	const said = h('p', { class: 'said muted' }, idle);
	const control = h('div', { class: 'stepping', role: 'slider', tabindex: 0, 'aria-label': label,
		'aria-valuemin': 0, 'aria-valuemax': Math.max(0, n - 1), 'aria-valuenow': 0,
		'aria-valuetext': 'nothing looked at' }, chart);
	let at: number | null = null;
	const move = (index: number | null) => {
		at = index;
		mark(index);
		said.textContent = index === null ? idle : describe(index);
		if (index === null) return;
		control.setAttribute('aria-valuenow', String(index));
		control.setAttribute('aria-valuetext', describe(index));
	};
	control.addEventListener('keydown', (event) => {
		const next = steppedTo(event.key, at, n);
		if (next === undefined) return;
		event.preventDefault();
		move(next);
	});
	control.addEventListener('pointerleave', () => { if (document.activeElement !== control) move(null); });
	return { element: h('div', {}, control, said), move };
}

function steppedTo(key: string, at: number | null, n: number): number | null | undefined {
	const to = (index: number) => n === 0 ? null : Math.min(n - 1, Math.max(0, index));
	switch (key) {
	case 'ArrowRight': case 'ArrowUp': return to(at === null ? 0 : at + 1);
	case 'ArrowLeft': case 'ArrowDown': return to(at === null ? n - 1 : at - 1);
	case 'PageUp': return to((at ?? 0) + 10);
	case 'PageDown': return to((at ?? 0) - 10);
	case 'Home': return to(0);
	case 'End': return to(n - 1);
	case 'Escape': return null;
	default: return undefined;
	}
}
