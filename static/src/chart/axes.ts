// Scales of the two axes, their ticks and how they are written.
import { scaleLinear, scaleLog, type ScaleContinuousNumeric } from 'd3-scale';
import { s } from '../dom';
import { RESOURCE } from '../format';
import type { Resource } from '../types';
import { nameOf } from './describe';
import type { Window } from './model';

export type Scale = ScaleContinuousNumeric<number, number>;

export interface Axes {
	metric: Resource;
	x: Scale; // to pixels of the plot
	y: Scale;
	width: number;
	height: number;
}

// Resources that span more than this are told apart by ratio.
const LOG_FROM = 5;

export function makeAxes(metric: Resource, bounds: Window, zoom: Window | null, width: number, height: number): Axes {
	const [x0, x1, y0, y1] = zoom ?? bounds;
	const scale: Scale = bounds[1] / bounds[0] > LOG_FROM ? scaleLog() : scaleLinear();
	return {
		metric, width, height,
		x: scale.domain([x0, x1]).range([0, width]),
		y: scaleLinear().domain([y0, y1]).range([height, 0]),
	};
}

export const isLog = (scale: Scale): boolean => 'base' in scale;

export function windowOf(axes: Axes): Window {
	const [x0 = 0, x1 = 1] = axes.x.domain(), [y0 = 0, y1 = 1] = axes.y.domain();
	return [x0, x1, y0, y1];
}

// A value that one pixel more or less does not tell from this, with as few digits as that takes.
export function rounded(scale: Scale, px: number): number {
	const value = scale.invert(px);
	const step = 10 ** Math.floor(Math.log10(Math.abs(scale.invert(px + 1) - value)));
	return Number((Math.round(value / step) * step).toPrecision(6));
}

const LEADING: readonly (readonly number[])[] = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5, 7], [1, 2, 5], [1]];

// All numbers within the domain that have one digit, which is one of these.
function decimal([from = 1, to = 1]: number[], digits: readonly number[]): number[] {
	const found: number[] = [];
	for (let e = Math.floor(Math.log10(from)); e <= Math.log10(to); e++)
		for (const digit of digits) {
			const value = Number(`${digit}e${e}`);
			if (value >= from && value <= to) found.push(value);
		}
	return found;
}

// As many round values as fit `gap` pixels apart.
function ticks(scale: Scale, gap: number): number[] {
	const [from = 0, to = 0] = scale.range();
	const most = Math.max(2, Math.floor(Math.abs(to - from) / gap));
	if (!isLog(scale)) return scale.ticks(most);
	const fits = (values: number[]) => values.every((v, i) => i === 0 || scale(v) - scale(values[i - 1] ?? v) >= gap);
	const found = LEADING.map((digits) => decimal(scale.domain(), digits)).find(fits) ?? [];
	if (found.length >= 3 || found.length >= most) return found;
	// Less than a decade: round steps that are far enough apart where they are closest.
	for (let n = most; n >= 2; n--) {
		const values = scaleLinear().domain(scale.domain()).ticks(n);
		if (fits(values)) return values;
	}
	return found;
}

interface Unit {
	name: string;
	factor: number;
}

const UNITS: Record<Resource, readonly Unit[]> = {
	latency_ms: [{ name: 's', factor: 1000 }, { name: 'ms', factor: 1 }, { name: 'µs', factor: 0.001 }],
	macs: [{ name: 'G', factor: 1e9 }, { name: 'M', factor: 1e6 }, { name: 'k', factor: 1e3 }, { name: '', factor: 1 }],
	peak_memory_bytes: [{ name: 'MB', factor: 1e6 }, { name: 'kB', factor: 1e3 }, { name: 'B', factor: 1 }],
	storage_bytes: [{ name: 'MB', factor: 1e6 }, { name: 'kB', factor: 1e3 }, { name: 'B', factor: 1 }],
};
const PERCENT: Unit = { name: '%', factor: 0.01 };

// The unit of a whole axis: the largest of which the upper end has one.
function unitFor(resource: Resource, upper: number): Unit {
	const { unit, step } = RESOURCE[resource];
	return UNITS[resource].find(({ factor }) => upper >= factor) ?? { name: unit, factor: step };
}

// With as many decimals as tell all of them from each other, and no zeros behind them that none needs.
function labels(values: number[], unit: Unit): string[] {
	const scaled = values.map((v) => v / unit.factor);
	for (let digits = 0; digits <= 6; digits++) {
		const texts = scaled.map((v) => v.toFixed(digits));
		if (scaled.every((v, i) => Math.abs(Number(texts[i]) - v) <= 1e-6 * Math.abs(v))) return texts;
	}
	return scaled.map((v) => v.toPrecision(6));
}

export interface Tick {
	px: number;
	text: string;
}

function written(scale: Scale, gap: number, unit: Unit): Tick[] {
	const values = ticks(scale, gap);
	const alone = (v: number) => String(Number((v / unit.factor).toPrecision(6)));
	const texts = isLog(scale) ? values.map(alone) : labels(values, unit);
	return values.map((v, i) => ({ px: scale(v), text: texts[i] ?? '' }));
}

// Into two groups whose origin is the plot's upper left corner.  rem: pixels of one.
export function drawAxes(x: SVGGElement, y: SVGGElement, axes: Axes, rem: number): void {
	const unit = unitFor(axes.metric, axes.x.domain()[1] ?? 1);
	const below = written(axes.x, 3.6 * rem, unit), beside = written(axes.y, 2.6 * rem, PERCENT);
	const notes = [unit.name, isLog(axes.x) ? 'log' : ''].filter((note) => note !== '');
	x.replaceChildren(
		...below.map(({ px }) => s('line', { class: 'grid', x1: px, x2: px, y1: 0, y2: axes.height })),
		s('line', { class: 'rule', x1: 0, x2: axes.width, y1: axes.height, y2: axes.height }),
		...below.map(({ px, text }) =>
			s('text', { class: 'tick', x: px, y: axes.height + 1.25 * rem, 'text-anchor': 'middle' }, text)),
		s('text', { class: 'title', x: axes.width, y: axes.height + 2.7 * rem, 'text-anchor': 'end' },
			`${nameOf(axes.metric)}${notes.length ? ` (${notes.join(', ')})` : ''}`));
	y.replaceChildren(
		...beside.map(({ px }) => s('line', { class: 'grid', x1: 0, x2: axes.width, y1: px, y2: px })),
		...beside.map(({ px, text }) => s('text', {
			class: 'tick', x: -0.5 * rem, y: px, 'text-anchor': 'end', 'dominant-baseline': 'central',
		}, text)),
		s('text', { class: 'title', x: -0.5 * rem, y: -2.2 * rem, 'text-anchor': 'start' }, 'Predicted accuracy (%)'));
}
