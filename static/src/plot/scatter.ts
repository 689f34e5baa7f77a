// Points and lines over two axes of the same kind, both linear or both logarithmic.
import { extent } from 'd3-array';
import { scaleLinear, scaleLog } from 'd3-scale';
import { h, s } from '../dom';
import { drawAxes, logTicks, remInPixels, responsive, stepping, type Axis, type Frame } from './frame';

export const MARKS = ['circle', 'square', 'plus', 'cross'] as const;
export type Mark = (typeof MARKS)[number];

export interface Point {
	x: number;
	y: number;
	mark: Mark;
	text: string; // what it is, for who looks at it
}

export interface Line {
	name: string;
	y: (x: number) => number;
	dashed?: boolean;
}

export interface ScatterOptions {
	label: string;
	log: boolean;
	x: { title: string; format: (value: number) => string };
	y: { title: string; format: (value: number) => string };
	lines: Line[];
	legend: { mark: Mark; name: string }[];
}

const LINE_STEPS = 100;

// One path for all points of a mark: thousands are one element.
const MARK_PATH: Record<Mark, (x: number, y: number) => string> = {
	circle: (x, y) => `M${x} ${y}h0`,
	square: (x, y) => `M${x} ${y}h0`,
	plus: (x, y) => `M${x - 4} ${y}h8M${x} ${y - 4}v8`,
	cross: (x, y) => `M${x - 3} ${y - 3}l6 6M${x - 3} ${y + 3}l6-6`,
};

interface Scales {
	frame: Frame;
	x: Axis;
	y: Axis;
	domain: [number, number];
}

function scalesOf(points: Point[], options: ScatterOptions, width: number): Scales {
	const rem = remInPixels();
	const frame: Frame = {
		rem, width, height: Math.round(Math.min(26 * rem, Math.max(15 * rem, width * 0.6))),
		left: 4 * rem, right: rem, top: 1.6 * rem, bottom: 2.6 * rem,
	};
	const range = (values: number[]): [number, number] => {
		const [low = 1, high = 1] = extent(values);
		return options.log ? [low / 1.15, high * 1.15] : [0, high * 1.06];
	};
	const axis = (values: number[], pixels: [number, number], { title, format }: ScatterOptions['x'],
		room: number): Axis => {
		const domain = range(values);
		const scale = (options.log ? scaleLog() : scaleLinear()).domain(domain).range(pixels);
		const ticks = options.log ? logTicks(...domain)
			: scale.ticks(Math.max(2, Math.floor(Math.abs(pixels[1] - pixels[0]) / room)));
		const text = (value: number) => value === 0 ? '0' : format(value);
		return { title, format: text, ticks, at: (value) => scale(value) };
	};
	const xs = points.map((point) => point.x), ys = points.map((point) => point.y);
	return {
		frame,
		x: axis(xs, [frame.left, width - frame.right], options.x, 5 * rem),
		y: axis(ys, [frame.height - frame.bottom, frame.top], options.y, 3 * rem),
		domain: range(xs),
	};
}

function linePath(line: Line, { frame, x, y, domain: [low, high] }: Scales, log: boolean): string {
	const bottom = frame.height - frame.bottom;
	const at = (i: number) => log ? low * (high / low) ** (i / LINE_STEPS) : low + (high - low) * i / LINE_STEPS;
	const path: string[] = [];
	for (let i = 0; i <= LINE_STEPS; i++) {
		const px = x.at(at(i)), py = y.at(line.y(at(i)));
		if (py >= frame.top && py <= bottom)
			path.push(`${path.length ? 'L' : 'M'}${px.toFixed(1)} ${py.toFixed(1)}`);
	}
	return path.join('');
}

function draw(points: Point[], options: ScatterOptions, scales: Scales): SVGSVGElement {
	const { frame, x, y } = scales;
	const paths = new Map<Mark, string[]>();
	for (const point of points) {
		const list = paths.get(point.mark) ?? [];
		list.push(MARK_PATH[point.mark](Number(x.at(point.x).toFixed(1)), Number(y.at(point.y).toFixed(1))));
		paths.set(point.mark, list);
	}
	return s('svg', { width: frame.width, height: frame.height, 'aria-hidden': 'true' },
		drawAxes(frame, x, y),
		...options.lines.map((line) => s('path', { class: line.dashed ? 'line dashed' : 'line',
			d: linePath(line, scales, options.log) })),
		...[...paths].map(([mark, d]) => s('path', { class: `marks ${mark}`, d: d.join('') })));
}

function nearest(points: Point[], { x, y }: Scales, px: number, py: number): number | null {
	let best: number | null = null, distance = 40 ** 2;
	points.forEach((point, i) => {
		const d = (x.at(point.x) - px) ** 2 + (y.at(point.y) - py) ** 2;
		if (d < distance) [best, distance] = [i, d];
	});
	return best;
}

function legendOf({ legend, lines }: ScatterOptions): HTMLElement {
	const sample = (...children: SVGElement[]) => s('svg', { width: 26, height: 16, 'aria-hidden': 'true' },
		...children);
	return h('ul', { class: 'legend' },
		...legend.map(({ mark, name }) => h('li', {},
			sample(s('path', { class: `marks ${mark}`, d: MARK_PATH[mark](13, 8) })), name)),
		...lines.map((line) => h('li', {},
			sample(s('path', { class: line.dashed ? 'line dashed' : 'line', d: 'M1 8h24' })), line.name)));
}

// Points are stepped through from left to right.
export function scatter(unsorted: Point[], options: ScatterOptions): HTMLElement {
	const points = [...unsorted].sort((a, b) => a.x - b.x || a.y - b.y);
	const ring = s('circle', { class: 'ring', r: '0.45rem', visibility: 'hidden' });
	let scales: Scales | null = null, looked: number | null = null;
	const mark = (index: number | null) => {
		looked = index;
		const point = index === null ? undefined : points[index];
		ring.setAttribute('visibility', point ? 'visible' : 'hidden');
		if (!point || !scales) return;
		ring.setAttribute('cx', String(scales.x.at(point.x)));
		ring.setAttribute('cy', String(scales.y.at(point.y)));
	};
	const plot = responsive((width) => {
		scales = scalesOf(points, options, width);
		const svg = draw(points, options, scales);
		svg.append(ring);
		mark(looked);
		return svg;
	});
	const steps = stepping(plot.element, { label: options.label, n: points.length, mark,
		describe: (i) => points[i]?.text ?? '' });
	plot.element.addEventListener('pointermove', (event) => {
		const box = plot.element.getBoundingClientRect();
		if (scales) steps.move(nearest(points, scales, event.clientX - box.left, event.clientY - box.top));
	});
	return h('figure', { class: 'figure' }, legendOf(options), steps.element);
}
