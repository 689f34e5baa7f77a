// The chart: layers that are drawn at most once per frame, and only those that changed.
import { h } from '../dom';
import { RESOURCE } from '../format';
import type { Limits, ParetoPoint } from '../types';
import { drawAxes, makeAxes, type Axes } from './axes';
import { broken, paintCloud } from './cloud';
import { createFronts, sameTarget, type Target } from './fronts';
import { Layers, type Margins } from './layers';
import { createLimitLine } from './limit';
import { createMarker } from './markers';
import { boundsOf, type Numbers, type Scene, type Window } from './model';
import { createTooltip } from './tooltip';
import { attachZoom, movedTo, scaledBy, within } from './zoom';

export interface ChartEvents {
	onLimit(value: number | null, time: number): void;
	onLimitEnd(): void;
	onChoose(point: ParetoPoint): void;
	onHover(target: Target | null): void;
	onZoom(zoom: Window | null): void;
	onZoomEnd(): void;
}

type Part = 'axes' | 'cloud' | 'fronts' | 'limits' | 'markers';
const PARTS: readonly Part[] = ['axes', 'cloud', 'fronts', 'limits', 'markers'];
const REACH_REM = 1.4; // from the pointer to a point
const OVERHANG_REM = 0.6; // of points at the edges of the plot

const NARROW_REM = 32; // the axis' name and the buttons below it stand beside each other from here on

interface Size {
	width: number;
	height: number;
	rem: number;
}

const margins = ({ width, rem }: Size): Margins => ({
	left: 3.2 * rem, right: 1.1 * rem, top: 3.4 * rem, bottom: (width < NARROW_REM * rem ? 6 : 4.2) * rem,
});

export class Chart {
	readonly element: HTMLElement;
	private readonly layers = new Layers();
	private readonly tooltip = createTooltip();
	private readonly message = h('p', { class: 'note', role: 'status', hidden: true });
	private readonly fronts;
	private readonly line;
	private readonly answerMarker = createMarker('answer', true);
	private readonly pinnedMarker = createMarker('pinned', false);
	private readonly zooming;
	private readonly dirty = new Set<Part>();
	private readonly resized: ResizeObserver;
	private readonly themed: MutationObserver;
	private readonly dark = matchMedia('(prefers-color-scheme: dark)');
	private readonly recolour = () => this.mark('cloud');
	private scene: Scene | null = null;
	private bounds: Window | null = null; // of the scene
	private window: Window | null = null; // that is asked for; null: all
	private shown: Window | null = null; // what of it there is
	private axes: Axes | null = null;
	private limits: Limits = {};
	private feasible: [number, number] | null = null;
	private faint: Uint8Array | null = null;
	private answerAt: Numbers | null = null;
	private pinnedAt: Numbers | null = null;
	private target: Target | null = null;
	private size: Size = { width: 0, height: 0, rem: 16 };
	private frame = 0;
	private selecting = false;
	private drawn: (() => void) | null = null;

	constructor(private readonly events: ChartEvents) {
		const { layers } = this;
		this.fronts = createFronts({ onFocus: (target) => this.focus(target), onChoose: events.onChoose });
		this.line = createLimitLine({ onLimit: events.onLimit, onEnd: events.onLimitEnd });
		layers.below.prepend(this.line.room);
		layers.clipped.append(this.fronts.element, this.pinnedMarker.element, this.answerMarker.element);
		layers.plot.append(this.line.veil, layers.clipped, this.line.element);
		this.element = h('div', { class: 'chart' }, ...layers.elements, this.message, this.tooltip.element);
		this.zooming = attachZoom(layers.plot, layers.ground, {
			axes: () => this.axes,
			bounds: () => this.bounds,
			zoomed: () => this.shown !== null,
			selecting: () => this.selecting,
			onZoom: events.onZoom,
			onEnd: events.onZoomEnd,
		});
		this.resized = new ResizeObserver(([entry]) => {
			const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
			this.size = { width: entry?.contentRect.width ?? 0, height: entry?.contentRect.height ?? 0, rem };
			this.mark(...PARTS);
		});
		this.resized.observe(this.element);
		this.dark.addEventListener('change', this.recolour);
		this.themed = new MutationObserver(this.recolour);
		this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
		this.listen();
	}

	show(scene: Scene): void {
		this.scene = scene;
		this.bounds = boundsOf(scene);
		this.faint = scene.samples && broken(scene.samples, this.limits, scene.metric);
		this.target = null;
		this.fronts.show(scene);
		this.fronts.dim(this.limits);
		this.layers.label(`Accuracy against ${RESOURCE[scene.metric].short}`);
		this.mark(...PARTS);
	}

	note(text: string | null, busy = false): void {
		this.message.hidden = text === null;
		this.message.classList.toggle('busy', busy);
		if (this.message.textContent !== (text ?? '')) this.message.textContent = text ?? '';
	}

	// feasible: the smallest and the largest of the metric; null: not known yet.
	limit(limits: Limits, feasible: [number, number] | null): void {
		const axis = this.scene?.metric ?? 'macs';
		const others = (all: Limits) => JSON.stringify({ ...all, [axis]: 0 });
		const same = others(limits) === others(this.limits);
		this.limits = limits;
		this.feasible = feasible;
		this.fronts.dim(limits);
		this.mark('limits');
		if (same || !this.scene) return;
		this.faint = this.scene.samples && broken(this.scene.samples, limits, axis);
		this.mark('cloud');
	}

	refuse(refused: boolean): void {
		this.line.refuse(refused);
	}

	// drawn: called once it can be seen.
	answer(point: Numbers | null, drawn?: () => void): void {
		this.answerAt = point;
		this.drawn = drawn ?? this.drawn;
		this.mark('markers');
	}

	pin(point: Numbers | null): void {
		this.pinnedAt = point;
		this.mark('markers');
	}

	// The chosen arch as JSON.
	press(arch: string | null): void {
		this.fronts.press(arch);
	}

	highlight(target: Target | null): void {
		this.target = target;
		this.fronts.highlight(target);
		this.placeTooltip();
	}

	zoom(window: Window | null): void {
		this.window = window;
		this.element.classList.toggle('zoomed', window !== null);
		this.mark(...PARTS);
	}

	zoomBy(factor: number): void {
		if (this.axes && this.bounds) this.events.onZoom(scaledBy(this.axes, this.bounds, factor));
	}

	// Whether a drag draws a rectangle, also where it could move what is shown.
	select(on: boolean): void {
		this.selecting = on;
		this.element.classList.toggle('selecting', on);
		this.zooming.resize();
	}

	destroy(): void {
		cancelAnimationFrame(this.frame);
		this.resized.disconnect();
		this.themed.disconnect();
		this.dark.removeEventListener('change', this.recolour);
	}

	private mark(...parts: Part[]): void {
		for (const part of parts) this.dirty.add(part);
		this.frame ||= requestAnimationFrame(() => this.draw());
	}

	private draw(): void {
		const { dirty, layers, size: { rem } } = this;
		this.frame = 0;
		if (dirty.has('axes')) this.measure();
		const { axes, scene } = this;
		if (axes && scene) {
			if (dirty.has('axes')) drawAxes(layers.axisX, layers.axisY, axes, rem);
			if (dirty.has('cloud')) paintCloud(layers.canvas, scene.samples, this.faint, axes);
			if (dirty.has('fronts')) this.fronts.place(axes);
			if (dirty.has('limits')) this.line.place(axes, this.limits[scene.metric], this.feasible, rem);
			if (dirty.has('markers')) this.answerMarker.place(axes, this.answerAt);
			if (dirty.has('markers')) this.pinnedMarker.place(axes, this.pinnedAt);
			if (dirty.has('fronts')) this.placeTooltip();
		}
		dirty.clear();
		if (this.drawn) setTimeout(this.drawn, 0); // after this frame
		this.drawn = null;
	}

	private measure(): void {
		const { layers, scene, bounds, size } = this;
		const around = margins(size);
		const width = Math.max(0, size.width - around.left - around.right);
		const height = Math.max(0, size.height - around.top - around.bottom);
		this.shown = this.window && bounds && within(this.window, bounds);
		this.axes = scene && bounds && width && height
			? makeAxes(scene.metric, bounds, this.shown, width, height) : null;
		layers.place(around, width, height, this.shown ? 0 : OVERHANG_REM * size.rem);
		layers.show(this.axes !== null);
		this.zooming.resize();
	}

	// The plot's pixels.
	private inSight(px: number, py: number): boolean {
		const { axes } = this;
		return axes !== null && px >= 0 && py >= 0 && px <= axes.width && py <= axes.height;
	}

	private point(target: Target | null): void {
		this.highlight(target);
		this.events.onHover(target);
	}

	// The keyboard also reaches what the zoom leaves out.
	private focus(target: Target | null): void {
		const at = target && this.fronts.at(target), { axes, bounds } = this;
		if (at && axes && bounds && !this.inSight(at.px, at.py)) this.events.onZoom(movedTo(axes, bounds, at.x, at.y));
		this.point(target);
	}

	private placeTooltip(): void {
		const { target, scene, size } = this, at = target && this.fronts.at(target);
		if (!target || !at || !scene || !this.inSight(at.px, at.py)) return this.tooltip.hide();
		const { left, top } = margins(size);
		this.tooltip.show(target, scene.fronts.length > 1, at.px + left, at.py + top);
	}

	private listen(): void {
		const { plot } = this.layers;
		const nearest = (event: MouseEvent) => {
			if (this.line.element.contains(event.target as Node)) return null;
			const box = this.layers.over.getBoundingClientRect(), { left, top } = margins(this.size);
			const x = event.clientX - box.left - left, y = event.clientY - box.top - top;
			return this.fronts.nearest(x, y, REACH_REM * this.size.rem);
		};
		plot.addEventListener('pointermove', (event) => {
			if (event.buttons) return;
			const target = nearest(event);
			if (!sameTarget(target, this.target)) this.point(target);
		});
		plot.addEventListener('pointerleave', () => this.point(null));
		plot.addEventListener('click', (event) => {
			const target = nearest(event);
			if (target?.kind === 'point') this.events.onChoose(target.point);
		});
		plot.addEventListener('dblclick', (event) => {
			if (this.line.element.contains(event.target as Node) || nearest(event)) return;
			this.events.onZoom(null);
			this.events.onZoomEnd();
		});
	}
}
