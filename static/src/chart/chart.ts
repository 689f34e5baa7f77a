// The chart: layers that are drawn at most once per frame, and only those that changed.
import { h, s, uniqueId } from '../dom';
import { RESOURCE } from '../format';
import type { Limits, ParetoPoint } from '../types';
import { drawAxes, makeAxes, type Axes } from './axes';
import { broken, paintCloud } from './cloud';
import { createFronts, type Target } from './fronts';
import { createLimitLine } from './limit';
import { createMarker } from './markers';
import { boundsOf, type Numbers, type Scene, type Window } from './model';
import { createTooltip } from './tooltip';
import { attachZoom, movedTo, scaledBy } from './zoom';

export interface ChartEvents {
	onLimit(value: number | null, time: number): void;
	onLimitEnd(): void;
	onChoose(point: ParetoPoint): void;
	onHover(target: Target | null): void;
	onZoom(zoom: Window | null): void;
	onZoomEnd(): void;
}

export interface Chart {
	element: HTMLElement;
	show(scene: Scene): void;
	note(text: string | null, busy?: boolean): void;
	limit(limits: Limits, feasible: [number, number] | null): void;
	refuse(refused: boolean): void;
	// drawn: called once it can be seen.
	answer(point: Numbers | null, drawn?: () => void): void;
	pin(point: Numbers | null): void;
	press(arch: string | null): void;
	highlight(target: Target | null): void;
	zoom(zoom: Window | null): void;
	zoomBy(factor: number): void;
	select(on: boolean): void; // a drag draws a rectangle
	destroy(): void;
}

type Layer = 'axes' | 'cloud' | 'fronts' | 'limits' | 'markers';
const LAYERS: readonly Layer[] = ['axes', 'cloud', 'fronts', 'limits', 'markers'];
const REACH_REM = 1.4; // from the pointer to a point

function layers() {
	const clip = uniqueId('clip');
	const frame = s('rect', { x: 0, y: 0 });
	const axesX = s('g', { class: 'axis' }), axesY = s('g', { class: 'axis' });
	const under = s('svg', { class: 'layer', 'aria-hidden': 'true' });
	const over = s('svg', { class: 'layer over', role: 'group' }, s('clipPath', { id: clip }, frame));
	const ground = s('g', { class: 'ground', 'aria-hidden': 'true' });
	const plot = s('g', { class: 'plot' });
	const canvas = h('canvas', { class: 'cloud', 'aria-hidden': 'true' });
	const note = h('p', { class: 'note', role: 'status', hidden: true });
	const origins = { below: s('g', {}, axesX, axesY), above: s('g', {}, plot) };
	under.append(origins.below);
	over.append(origins.above);
	return { clip, frame, axesX, axesY, under, over, ground, plot, canvas, note, origins };
}

export function createChart(events: ChartEvents): Chart {
	const l = layers(), tooltip = createTooltip();
	const element = h('div', { class: 'chart' }, l.under, l.canvas, l.over, l.note, tooltip.element);
	const dirty = new Set<Layer>();
	let scene: Scene | null = null, axes: Axes | null = null, bounds: Window | null = null, zoom: Window | null = null;
	let limits: Limits = {}, feasible: [number, number] | null = null, faint: Uint8Array | null = null;
	let answer: Numbers | null = null, pinned: Numbers | null = null, target: Target | null = null;
	let width = 0, height = 0, rem = 16, frame = 0, selecting = false, drawn: (() => void) | null = null;

	const mark = (...what: Layer[]) => {
		for (const layer of what) dirty.add(layer);
		frame ||= requestAnimationFrame(draw);
	};
	const point = (next: Target | null, focused: boolean) => {
		target = next;
		if (focused && next && axes && bounds) {
			const at = fronts.at(next);
			const outside = at && (at.px < 0 || at.px > axes.width || at.py < 0 || at.py > axes.height);
			if (at && outside) events.onZoom(movedTo(axes, bounds, at.x, at.y));
		}
		fronts.highlight(next);
		events.onHover(next);
		place();
	};
	const place = () => {
		const at = target && fronts.at(target);
		if (!target || !at || !scene || at.px < 0 || at.py < 0 || !axes || at.px > axes.width || at.py > axes.height)
			return tooltip.hide();
		tooltip.show(target, scene.metric, scene.fronts.length > 1, at.px + margin().left, at.py + margin().top);
	};
	const fronts = createFronts({ onFocus: (next) => point(next, true), onChoose: events.onChoose });
	const line = createLimitLine({ onLimit: events.onLimit, onEnd: events.onLimitEnd });
	const markers = { answer: createMarker('answer', true), pinned: createMarker('pinned', false) };
	const clipped = s('g', { 'clip-path': `url(#${l.clip})` }, fronts.element, markers.pinned.element, markers.answer.element);
	l.origins.below.prepend(line.room);
	l.plot.append(l.ground, line.veil, clipped, line.element);
	const zooming = attachZoom(l.plot, l.ground, {
		axes: () => axes, bounds: () => bounds, zoomed: () => zoom !== null, selecting: () => selecting,
		onZoom: (next) => events.onZoom(next), onEnd: () => events.onZoomEnd(),
	});

	const margin = () => ({ left: 3.2 * rem, right: 1.1 * rem, top: 3.4 * rem, bottom: 4.2 * rem });
	const measure = () => {
		const { left, right, top, bottom } = margin();
		const plotWidth = Math.max(0, width - left - right), plotHeight = Math.max(0, height - top - bottom);
		axes = scene && bounds && plotWidth && plotHeight
			? makeAxes(scene.metric, bounds, zoom, plotWidth, plotHeight) : null;
		for (const svg of [l.under, l.over]) svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
		for (const g of [l.origins.below, l.origins.above]) g.setAttribute('transform', `translate(${left},${top})`);
		Object.assign(l.canvas.style, { left: `${left}px`, top: `${top}px`, width: `${plotWidth}px`, height: `${plotHeight}px` });
		for (const [name, value] of [['x', -8], ['y', -8], ['width', plotWidth + 16], ['height', plotHeight + 16]] as const)
			l.frame.setAttribute(name, String(value));
		l.plot.setAttribute('visibility', axes ? 'visible' : 'hidden');
		l.origins.below.setAttribute('visibility', axes ? 'visible' : 'hidden');
		zooming.resize();
	};
	const draw = () => {
		frame = 0;
		if (dirty.has('axes')) measure();
		if (axes && scene) {
			if (dirty.has('axes')) drawAxes(l.axesX, l.axesY, axes, rem);
			if (dirty.has('cloud')) paintCloud(l.canvas, scene.samples, faint, axes);
			if (dirty.has('fronts')) fronts.place(axes);
			if (dirty.has('limits')) line.place(axes, limits[scene.metric], feasible, rem);
			if (dirty.has('markers')) markers.answer.place(axes, answer);
			if (dirty.has('markers')) markers.pinned.place(axes, pinned);
			if (dirty.has('fronts')) place();
		}
		dirty.clear();
		const tell = drawn;
		drawn = null;
		if (tell) setTimeout(tell, 0);
	};
	const resized = new ResizeObserver(([entry]) => {
		width = entry?.contentRect.width ?? 0;
		height = entry?.contentRect.height ?? 0;
		rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
		mark(...LAYERS);
	});
	resized.observe(element);
	const recolour = () => mark('cloud');
	const dark = matchMedia('(prefers-color-scheme: dark)'), themed = new MutationObserver(recolour);
	dark.addEventListener('change', recolour);
	themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });

	const nearest = (event: MouseEvent) => {
		const box = l.over.getBoundingClientRect(), { left, top } = margin();
		return fronts.nearest(event.clientX - box.left - left, event.clientY - box.top - top, REACH_REM * rem);
	};
	const onLine = (event: Event) => line.element.contains(event.target as Node);
	l.plot.addEventListener('pointermove', (event) => {
		if (event.buttons || onLine(event)) return;
		const next = nearest(event);
		if (next !== target) point(next, false);
	});
	l.plot.addEventListener('pointerleave', () => point(null, false));
	l.plot.addEventListener('click', (event) => {
		const next = onLine(event) ? null : nearest(event);
		if (next?.kind === 'point') events.onChoose(next.point);
	});

	return {
		element,
		show(next) {
			scene = next;
			bounds = boundsOf(next);
			faint = next.samples && broken(next.samples, limits, next.metric);
			target = null;
			fronts.show(next);
			fronts.dim(limits);
			l.over.setAttribute('aria-label', `Accuracy against ${RESOURCE[next.metric].short}`);
			if (!bounds) l.canvas.getContext('2d')?.clearRect(0, 0, l.canvas.width, l.canvas.height);
			mark(...LAYERS);
		},
		note(text, busy = false) {
			l.note.hidden = text === null;
			l.note.classList.toggle('busy', busy);
			if (l.note.textContent !== (text ?? '')) l.note.textContent = text ?? '';
		},
		limit(next, range) {
			const before = limits;
			limits = next;
			feasible = range;
			fronts.dim(limits);
			mark('limits');
			if (!scene) return;
			const others = (all: Limits) => JSON.stringify({ ...all, [scene?.metric ?? '']: 0 });
			if (others(before) === others(next)) return;
			faint = scene.samples && broken(scene.samples, limits, scene.metric);
			mark('cloud');
		},
		refuse: (refused) => line.refuse(refused),
		answer(next, whenDrawn) {
			answer = next;
			drawn = whenDrawn ?? drawn;
			mark('markers');
		},
		pin(next) {
			pinned = next;
			mark('markers');
		},
		press: (arch) => fronts.press(arch),
		highlight(next) {
			target = next;
			fronts.highlight(next);
			place();
		},
		zoom(next) {
			zoom = next;
			element.classList.toggle('zoomed', next !== null);
			mark(...LAYERS);
		},
		zoomBy(factor) {
			if (axes && bounds) events.onZoom(scaledBy(axes, bounds, factor));
		},
		select(on) {
			selecting = on;
			element.classList.toggle('selecting', on);
		},
		destroy() {
			cancelAnimationFrame(frame);
			resized.disconnect();
			themed.disconnect();
			dark.removeEventListener('change', recolour);
		},
	};
}

