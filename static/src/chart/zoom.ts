// Zooming by wheel, pinch and a rectangle that is dragged.
import { brush, type D3BrushEvent } from 'd3-brush';
import { select } from 'd3-selection';
import { zoom, zoomIdentity, zoomTransform, type D3ZoomEvent, type ZoomTransform } from 'd3-zoom';
import { makeAxes, type Axes } from './axes';
import type { Window } from './model';

const NARROWEST = 1 / 400; // of what there is to see

export interface ZoomOptions {
	axes(): Axes | null;
	bounds(): Window | null;
	zoomed(): boolean;
	selecting(): boolean; // a drag draws a rectangle, also without the shift key
	onZoom(zoom: Window | null): void;
	onEnd(): void;
}

interface Span {
	from: number;
	to: number;
}

// Within `all` and no narrower than a part of it; null: all of it.
function clamp(span: Span, all: Span): Span | null {
	const whole = all.to - all.from, width = Math.max(span.to - span.from, whole * NARROWEST);
	if (width >= whole * 0.999) return null;
	const middle = (span.from + span.to) / 2;
	const from = Math.min(Math.max(middle - width / 2, all.from), all.to - width);
	return { from, to: from + width };
}

// What of a window there is to see; null: nothing of it, or all that there is.
export function within(zoom: Window, bounds: Window): Window | null {
	const x0 = Math.max(zoom[0], bounds[0]), x1 = Math.min(zoom[1], bounds[1]);
	const y0 = Math.max(zoom[2], bounds[2]), y1 = Math.min(zoom[3], bounds[3]);
	const all = x0 === bounds[0] && x1 === bounds[1] && y0 === bounds[2] && y1 === bounds[3];
	return x0 < x1 && y0 < y1 && !all ? [x0, x1, y0, y1] : null;
}

// The window that shows these pixels of the plot, as far as there is something to see.
export function windowAt(axes: Axes, bounds: Window, x: Span, y: Span): Window | null {
	const all = makeAxes(axes.metric, bounds, null, axes.width, axes.height);
	const toAll = (px: number) => all.x(axes.x.invert(px)), toAllY = (px: number) => all.y(axes.y.invert(px));
	const across = clamp({ from: toAll(x.from), to: toAll(x.to) }, { from: 0, to: axes.width });
	const down = clamp({ from: toAllY(y.from), to: toAllY(y.to) }, { from: 0, to: axes.height });
	if (!across && !down) return null;
	const { from, to } = across ?? { from: 0, to: axes.width };
	const { from: top, to: bottom } = down ?? { from: 0, to: axes.height };
	return [all.x.invert(from), all.x.invert(to), all.y.invert(bottom), all.y.invert(top)];
}

// The same middle, `factor` times as wide and high.
export function scaledBy(axes: Axes, bounds: Window, factor: number): Window | null {
	const half = (size: number): Span => ({ from: (size * (1 - factor)) / 2, to: (size * (1 + factor)) / 2 });
	return windowAt(axes, bounds, half(axes.width), half(axes.height));
}

// The same size, moved as little as shows a place.
export function movedTo(axes: Axes, bounds: Window, x: number, y: number): Window | null {
	const margin = 0.1;
	const shift = (px: number, size: number) =>
		px < 0 ? px - margin * size : px > size ? px - size + margin * size : 0;
	const dx = shift(axes.x(x), axes.width), dy = shift(axes.y(y), axes.height);
	return windowAt(axes, bounds, { from: dx, to: dx + axes.width }, { from: dy, to: dy + axes.height });
}

export interface Zooming {
	resize(): void; // also after selecting() changed
}

// Wheel, pinch and pan on `plot`; the rectangle in `ground`, a child of it that lies under everything.
export function attachZoom(plot: SVGGElement, ground: SVGGElement, options: ZoomOptions): Zooming {
	let start: Axes | null = null, origin: ZoomTransform = zoomIdentity; // where the gesture began
	const wantsRectangle = (event: MouseEvent) => options.selecting() || event.shiftKey || !options.zoomed();

	const panning = zoom<SVGGElement, unknown>()
		.scaleExtent([0, Infinity])
		.filter((event: Event) => {
			if (!options.axes()) return false;
			// Where there is nothing left to zoom out of, the page scrolls.
			if (event instanceof WheelEvent) return options.zoomed() || event.deltaY < 0;
			if (typeof TouchEvent !== 'undefined' && event instanceof TouchEvent)
				return event.touches.length > 1 || (options.zoomed() && ground.contains(event.target as Node));
			return event instanceof MouseEvent && event.type === 'mousedown' && event.button === 0 &&
				!wantsRectangle(event) && ground.contains(event.target as Node);
		})
		.on('start', () => {
			start = options.axes();
			origin = zoomTransform(plot);
		})
		.on('zoom', (event: D3ZoomEvent<SVGGElement, unknown>) => {
			const bounds = options.bounds(), { k, x, y } = event.transform, factor = k / origin.k;
			if (!start || !bounds) return;
			const moved = (from: number, to: number, size: number): Span => {
				const shift = to - factor * from;
				return { from: -shift / factor, to: (size - shift) / factor };
			};
			options.onZoom(windowAt(start, bounds, moved(origin.x, x, start.width), moved(origin.y, y, start.height)));
		})
		.on('end', options.onEnd);

	const rectangle = brush<unknown>()
		.keyModifiers(false)
		.touchable(() => options.selecting())
		.filter((event: MouseEvent) => options.axes() !== null && !event.button && wantsRectangle(event))
		.on('end', (event: D3BrushEvent<unknown>) => {
			const axes = options.axes(), bounds = options.bounds();
			if (!event.selection || !axes || !bounds) return;
			select(ground).call(rectangle.clear);
			const [[left, top], [right, bottom]] = event.selection as [[number, number], [number, number]];
			options.onZoom(windowAt(axes, bounds, { from: left, to: right }, { from: top, to: bottom }));
			options.onEnd();
		});

	select(plot).call(panning).on('dblclick.zoom', null);
	return {
		resize() {
			const axes = options.axes();
			if (!axes) return;
			panning.extent([[0, 0], [axes.width, axes.height]]);
			rectangle.extent([[0, 0], [axes.width, axes.height]]);
			// d3-brush fails at the end of a touch that its filter refused, so that it hears of none that it is not
			// meant to have; and a finger scrolls the page until there is something to move.
			select(ground).on('touchstart.brush touchmove.brush touchend.brush touchcancel.brush', null)
				.call(rectangle).style('touch-action', null);
		},
	};
}

