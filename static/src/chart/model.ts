// What the chart shows, apart from how.
import type { Samples } from '../samples';
import { RESOURCES, type Limits, type ParetoPoint, type Resource } from '../types';

// What is known of any subnet; a point of a front, an answer and a plan all have it.
export type Numbers = Omit<ParetoPoint, 'arch'>;

export interface Front {
	device: string | null;
	colour: string; // name of the class that sets --series
	points: ParetoPoint[]; // in ascending order of the metric
}

// A reference point of the network's card; what was not published is NaN.
export interface Published {
	name: string;
	source: string;
	accuracy: number;
	values: Record<Resource, number>;
}

export interface Scene {
	metric: Resource;
	samples: Samples | null;
	fronts: Front[];
	published: Published[];
}

// In the API's units: the metric's, and accuracy from 0 to 1.
export type Window = [x0: number, x1: number, y0: number, y1: number];

export const valueOf = (point: Numbers, resource: Resource): number => point[resource] ?? NaN;
export const accuracyOf = (point: Numbers): number => point.predicted_accuracy ?? NaN;

// Whether a subnet is within the limits of all resources, or of all but one.
export function keeps(point: Numbers, limits: Limits, except?: Resource): boolean {
	return RESOURCES.every((resource) => {
		const limit = limits[resource];
		return resource === except || limit === undefined || !(valueOf(point, resource) > limit);
	});
}

// The tighter of two at each resource.
export function tightest(a: Limits, b: Limits): Limits {
	const both: Limits = { ...a };
	for (const resource of RESOURCES) {
		const limit = b[resource];
		if (limit !== undefined) both[resource] = Math.min(limit, both[resource] ?? Infinity);
	}
	return both;
}

function widen(range: [number, number], values: ArrayLike<number>): void {
	for (let i = 0; i < values.length; i++) {
		const v = values[i] ?? NaN; // NaN compares as false
		if (v < range[0]) range[0] = v;
		if (v > range[1]) range[1] = v;
	}
}

// The smallest and the largest of a resource among the samples and the fronts; null: nothing is known.
export function rangeOf(scene: Scene, resource: Resource, fronts = scene.fronts): [number, number] | null {
	const range: [number, number] = [Infinity, -Infinity];
	if (scene.samples) widen(range, scene.samples.values[resource]);
	for (const front of fronts) widen(range, front.points.map((point) => valueOf(point, resource)));
	return range[0] <= range[1] ? range : null;
}

const PADDING = 0.04;

// All that there is to see, with a margin; null: nothing.
export function boundsOf(scene: Scene): Window | null {
	const x = rangeOf(scene, scene.metric) ?? [Infinity, -Infinity];
	const y: [number, number] = [Infinity, -Infinity];
	if (scene.samples) widen(y, scene.samples.accuracy);
	for (const front of scene.fronts) widen(y, front.points.map(accuracyOf));
	if (!(y[0] <= y[1]) || !(x[0] <= x[1])) return null;
	widen(x, scene.published.map((point) => point.values[scene.metric]));
	const placed = scene.published.filter((point) => !Number.isNaN(point.values[scene.metric]));
	widen(y, placed.map((point) => point.accuracy));
	const pad = Math.max(y[1] - y[0], 1e-4) * PADDING;
	const factor = Math.max(x[1] / x[0], 1.01) ** PADDING;
	return [x[0] / factor, x[1] * factor, y[0] - pad, Math.min(1, y[1] + 1.5 * pad)];
}
