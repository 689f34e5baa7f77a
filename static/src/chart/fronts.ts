// The fronts: a step line and a button for each of its subnets, one stop of the tab key for each front.
import { replace, s } from '../dom';
import { shortName } from '../format';
import type { Limits, ParetoPoint, Resource } from '../types';
import type { Axes } from './axes';
import { inWords, publishedInWords } from './describe';
import { accuracyOf, keeps, valueOf, type Front, type Published, type Scene } from './model';

// What the pointer or the keyboard is at.
export type Target =
	| { kind: 'point'; front: Front; point: ParetoPoint }
	| { kind: 'published'; published: Published };

export interface FrontsEvents {
	onFocus(target: Target | null): void;
	onChoose(point: ParetoPoint): void;
}

export interface Mark {
	target: Target;
	x: number;
	y: number;
	px: number;
	py: number;
	element: SVGGElement;
}

export interface Fronts {
	element: SVGGElement;
	show(scene: Scene): void;
	place(axes: Axes): void;
	dim(limits: Limits): void;
	press(chosen: string | null): void; // the arch as JSON
	highlight(target: Target | null): void;
	nearest(px: number, py: number, within: number): Target | null;
	at(target: Target): Readonly<Mark> | null;
}

export const sameTarget = (a: Target | null, b: Target | null): boolean =>
	a === b || (a?.kind === 'point' && b?.kind === 'point' ? a.point === b.point
		: a?.kind === 'published' && b?.kind === 'published' && a.published === b.published);

// The accuracy that each amount buys: that of the last subnet before it.
function steps(front: Front, metric: Resource, axes: Axes): string {
	let path = '';
	for (const point of front.points) {
		const x = axes.x(valueOf(point, metric)), y = axes.y(accuracyOf(point));
		path += path ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `M${x.toFixed(1)},${y.toFixed(1)}`;
	}
	return path;
}

// Arrow keys move among the marks of a group, of which one is a stop of the tab key.
function roving(group: SVGGElement, marks: Mark[], events: FrontsEvents): void {
	const move = (to: number) => {
		const next = marks[Math.min(Math.max(to, 0), marks.length - 1)];
		for (const mark of marks) mark.element.setAttribute('tabindex', mark === next ? '0' : '-1');
		next?.element.focus();
	};
	const at = (event: Event) => marks.findIndex((mark) => mark.element === event.target);
	group.addEventListener('keydown', (event) => {
		const i = at(event), mark = marks[i];
		const to: Record<string, number> = {
			ArrowRight: i + 1, ArrowUp: i + 1, ArrowLeft: i - 1, ArrowDown: i - 1,
			PageUp: i + 10, PageDown: i - 10, Home: 0, End: marks.length - 1,
		};
		const next = to[event.key];
		if (next !== undefined) move(next);
		else if ((event.key === 'Enter' || event.key === ' ') && mark?.target.kind === 'point')
			events.onChoose(mark.target.point);
		else return;
		event.preventDefault();
	});
	group.addEventListener('focusin', (event) => events.onFocus(marks[at(event)]?.target ?? null));
	group.addEventListener('focusout', () => events.onFocus(null));
}

function frontMarks(front: Front, metric: Resource, several: boolean): Mark[] {
	return front.points.map((point) => ({
		target: { kind: 'point', front, point }, x: valueOf(point, metric), y: accuracyOf(point), px: 0, py: 0,
		element: s('g', {
			class: 'mark', role: 'button', tabindex: -1, 'aria-pressed': 'false',
			'aria-label': inWords(point, metric) + (several && front.device ? `, ${front.device}` : ''),
		}, s('circle', { class: 'dot' })),
	}));
}

function publishedMarks(published: Published[], metric: Resource): Mark[] {
	return published.filter((point) => !Number.isNaN(point.values[metric])).map((point) => ({
		target: { kind: 'published', published: point }, x: point.values[metric], y: point.accuracy, px: 0, py: 0,
		element: s('g', { class: 'mark', role: 'img', tabindex: -1, 'aria-label': publishedInWords(point, metric) },
			s('rect', { class: 'dot' })),
	}));
}

const label = (front: Front, several: boolean) =>
	s('text', { class: `device ${front.colour}` }, several ? shortName(front.device ?? '') : '');

export function createFronts(events: FrontsEvents): Fronts {
	const element = s('g', { class: 'fronts' });
	let marks: Mark[] = [], lines: { front: Front; path: SVGPathElement; label: SVGTextElement }[] = [];
	let scene: Scene | null = null, lit: Target | null = null;

	const group = (name: string, colour: string, made: Mark[]) => {
		const g = s('g', { role: 'group', 'aria-label': name, class: colour }, ...made.map((mark) => mark.element));
		made[0]?.element.setAttribute('tabindex', '0');
		roving(g, made, events);
		marks.push(...made);
		return g;
	};
	const frontGroup = (front: Front, metric: Resource, several: boolean) => {
		const of = front.device ? ` of ${front.device}` : '';
		const name = `Pareto front${of}, ${front.points.length} subnets`;
		return group(name, front.colour, frontMarks(front, metric, several));
	};

	const publishedGroup = ({ published, metric }: Scene) => {
		const made = publishedMarks(published, metric);
		return made.length ? group('Published reference points', 'published', made) : null;
	};

	return {
		element,
		show(next) {
			scene = next;
			marks = [];
			const several = next.fronts.length > 1;
			lines = next.fronts.map((front) => ({
				front, path: s('path', { class: `steps ${front.colour}` }), label: label(front, several),
			}));
			replace(element,
				...lines.map(({ path }) => path),
				publishedGroup(next),
				// The main device's last, above the others.
				...[...next.fronts].reverse().map((front) => frontGroup(front, next.metric, several)),
				s('g', { 'aria-hidden': 'true' }, ...lines.map(({ label }) => label)));
		},
		place(axes) {
			if (!scene) return;
			const { metric } = scene;
			for (const mark of marks) {
				mark.px = axes.x(mark.x);
				mark.py = axes.y(mark.y);
				mark.element.setAttribute('transform', `translate(${mark.px.toFixed(1)},${mark.py.toFixed(1)})`);
			}
			for (const { front, path } of lines) path.setAttribute('d', steps(front, metric, axes));
			placeLabels(lines, metric, axes);
		},
		dim(limits) {
			for (const { target, element: g } of marks)
				g.classList.toggle('broken', target.kind === 'point' && !keeps(target.point, limits));
		},
		press(chosen) {
			for (const { target, element: g } of marks)
				if (target.kind === 'point')
					g.setAttribute('aria-pressed', String(chosen === JSON.stringify(target.point.arch)));
		},
		highlight(target) {
			if (sameTarget(lit, target)) return;
			lit = target;
			for (const mark of marks) mark.element.classList.toggle('lit', sameTarget(mark.target, target));
		},
		nearest(px, py, within) {
			let best: Mark | null = null, least = within * within;
			for (const mark of marks) {
				const distance = (mark.px - px) ** 2 + (mark.py - py) ** 2;
				if (distance <= least) [best, least] = [mark, distance];
			}
			return best?.target ?? null;
		},
		at: (target) => marks.find((mark) => sameTarget(mark.target, target)) ?? null,
	};
}

const LABEL_ROW = 18, LABEL_BELOW = 22; // pixels

// Each under the left end of its line as far as that is in sight, and lower where another one is already.
function placeLabels(lines: { front: Front; label: SVGTextElement }[], metric: Resource, axes: Axes): void {
	const placed: { from: number; to: number; y: number }[] = [];
	const free = (from: number, to: number, y: number) =>
		placed.every((other) => from > other.to || to < other.from || Math.abs(y - other.y) >= LABEL_ROW);
	for (const { front, label } of lines) {
		const first = front.points.map((point) => ({ x: axes.x(valueOf(point, metric)), y: axes.y(accuracyOf(point)) }))
			.find(({ x, y }) => x >= 0 && x <= axes.width && y >= 0 && y <= axes.height);
		label.setAttribute('visibility', first ? 'visible' : 'hidden');
		if (!first) continue;
		const length = label.getComputedTextLength();
		const from = Math.max(0, Math.min(first.x - 8, axes.width - length)), to = from + length;
		const lowest = axes.height - 4, below = Math.min(first.y + LABEL_BELOW, lowest);
		const rows = lines.map((_, i) => below + i * LABEL_ROW).filter((y) => y <= lowest);
		const above = lines.map((_, i) => below - i * LABEL_ROW);
		const y = [...rows, ...above].find((row) => free(from, to, row)) ?? below;
		placed.push({ from, to, y });
		label.setAttribute('x', from.toFixed(1));
		label.setAttribute('y', y.toFixed(1));
	}
}
