// The sampled subnets: one image, each pixel as dense as the points on it are many.
import type { Samples } from '../samples';
import { RESOURCES, type Limits, type Resource } from '../types';
import { isLog, type Axes, type Scale } from './axes';

const PIXELS_MAX = 6e6; // of the canvas; beyond, its pixels are coarser than the screen's

// Position = offset + factor * f(value): what the scale does, without its checks.
function mapping(scale: Scale): { f: (v: number) => number; offset: number; factor: number } {
	const f = isLog(scale) ? Math.log : (v: number) => v;
	const [d0 = 0, d1 = 1] = scale.domain(), [r0 = 0, r1 = 1] = scale.range();
	const factor = (r1 - r0) / (f(d1) - f(d0));
	return { f, factor, offset: r0 - factor * f(d0) };
}

// 1 for each sample that breaks a limit of another resource than the one that is the axis; null: none does.
export function broken(samples: Samples, limits: Limits, axis: Resource): Uint8Array | null {
	const others = RESOURCES.filter((resource) => resource !== axis && limits[resource] !== undefined);
	if (!others.length) return null;
	const marks = new Uint8Array(samples.n);
	for (const resource of others) {
		const values = samples.values[resource], limit = limits[resource] ?? Infinity;
		for (let i = 0; i < samples.n; i++) if ((values[i] ?? 0) > limit) marks[i] = 1;
	}
	return marks;
}

function colourOf(context: CanvasRenderingContext2D, element: Element): [number, number, number] {
	context.fillStyle = '#808080';
	context.fillStyle = getComputedStyle(element).getPropertyValue('--cloud').trim();
	const hex = Number.parseInt(String(context.fillStyle).slice(1), 16);
	return [hex >> 16, (hex >> 8) & 255, hex & 255];
}

// How opaque one point is (of 255): the more of them share the area, the less.
function strength(n: number, area: number, dot: number): number {
	return Math.round(255 * Math.min(0.55, Math.max(0.1, 0.13 * Math.sqrt(area / (n * dot * dot)))));
}

const FAINT = 0.22;

export function paintCloud(
	canvas: HTMLCanvasElement, samples: Samples | null, faint: Uint8Array | null, axes: Axes,
): void {
	const ratio = Math.min(devicePixelRatio || 1, Math.sqrt(PIXELS_MAX / (axes.width * axes.height)));
	const width = Math.round(axes.width * ratio), height = Math.round(axes.height * ratio);
	if (canvas.width !== width) canvas.width = width;
	if (canvas.height !== height) canvas.height = height;
	const context = canvas.getContext('2d');
	if (!context || !width || !height) return;
	if (!samples) return context.clearRect(0, 0, width, height);
	const image = context.createImageData(width, height), pixels = image.data;
	const [red, green, blue] = colourOf(context, canvas);
	const x = mapping(axes.x), y = mapping(axes.y);
	const dot = Math.max(2, Math.round(1.8 * ratio * Math.sqrt(Math.max(1, axes.height / 500))));
	const full = strength(samples.n, width * height, dot), weak = Math.max(4, Math.round(full * FAINT));
	const xs = samples.values[axes.metric], ys = samples.accuracy;
	for (let i = 0; i < samples.n; i++) {
		const left = Math.round((x.offset + x.factor * x.f(xs[i] ?? NaN)) * ratio - dot / 2);
		const top = Math.round((y.offset + y.factor * (ys[i] ?? NaN)) * ratio - dot / 2);
		if (!(left >= 0 && top >= 0 && left + dot <= width && top + dot <= height)) continue; // also NaN
		const alpha = faint?.[i] ? weak : full;
		for (let row = 0; row < dot; row++) {
			for (let at = 4 * ((top + row) * width + left), end = at + 4 * dot; at < end; at += 4) {
				pixels[at] = red;
				pixels[at + 1] = green;
				pixels[at + 2] = blue;
				const before = pixels[at + 3] ?? 0;
				pixels[at + 3] = before + ((255 - before) * alpha) / 255;
			}
		}
	}
	context.putImageData(image, 0, 0);
}
