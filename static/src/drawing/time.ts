// Where the time goes: one bar over all units, or the MACs where no time is known.
import { h, replace, s } from '../dom';
import { count, milliseconds } from '../format';
import type { Plan, PlanUnit } from '../types';
import { colourClass, groupsOf, unitName, unitShort } from './cells';
import type { Highlight } from './highlight';

export interface Measure {
	name: string;
	of: (unit: PlanUnit) => number;
	total: number;
	format: (value: number) => string;
}

export function measureOf(plan: Plan): Measure {
	return plan.latency_ms === null
		? { name: 'MACs', of: (unit) => unit.macs, total: plan.macs, format: count }
		: { name: 'Latency', of: (unit) => unit.latency_ms ?? 0, total: plan.latency_ms, format: milliseconds };
}

export const percent = (part: number) => `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`;

const LABELS = 6, LABEL_WIDTH = 104, BAR = 44, LEADER = 14, LINE = 15;

interface Segment {
	index: number;
	unit: PlanUnit;
	value: number;
	x: number;
	w: number;
}

function segmentsOf(plan: Plan, measure: Measure, width: number): Segment[] {
	const sum = plan.units.reduce((total, unit) => total + measure.of(unit), 0) || 1;
	let x = 0;
	return plan.units.map((unit, index) => {
		const value = measure.of(unit), w = width * value / sum;
		x += w;
		return { index, unit, value, x: x - w, w };
	});
}

// The largest, as many as have room, moved apart where they would lie over each other.
function labelled(segments: Segment[], width: number, px: number): { segment: Segment; x: number }[] {
	const room = LABEL_WIDTH * px, most = Math.min(LABELS, Math.floor(width / room));
	const labels = segments.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value).slice(0, most)
		.sort((a, b) => a.x - b.x).map((segment) => ({ segment, x: segment.x + segment.w / 2 }));
	let free = room / 2;
	for (const label of labels) {
		label.x = Math.max(label.x, free);
		free = label.x + room;
	}
	free = width - room / 2;
	for (const label of labels.reverse()) {
		label.x = Math.min(label.x, free);
		free = label.x - room;
	}
	return labels;
}

function picture(plan: Plan, measure: Measure, width: number, px: number): SVGSVGElement {
	const segments = segmentsOf(plan, measure, width), bar = BAR * px, gap = Math.min(1, px);
	const labels = labelled(segments, width, px);
	const height = bar + (LEADER + 2 * LINE + 4) * px;
	const largest = [...labels].sort((a, b) => b.segment.value - a.segment.value).map(({ segment: { unit, value } }) =>
		`${unitName(unit)} ${measure.format(value)}, ${percent(value / measure.total)}`).join('; ');
	return s('svg', { class: 'time', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img',
		'aria-label': `${measure.name} by unit, ${measure.format(measure.total)} together. The largest: ${largest}.` },
		...segments.map(({ index, unit, x, w }) => s('g', { class: `cell ${colourClass(unit.stage)}`, 'data-unit': index },
			s('rect', { class: 'solid', x, y: 0, width: Math.max(w - gap, 0.5), height: bar }))),
		...labels.flatMap(({ segment, x }) => {
			const middle = segment.x + segment.w / 2, y = bar + LEADER * px;
			return [s('polyline', { class: 'leader', points: `${middle},${bar + 1} ${x},${y}` }),
				s('text', { class: 'label middle', x, y: y + 12 * px },
					segment.unit.stage === null ? unitName(segment.unit) : `Block ${unitShort(segment.unit)}`),
				s('text', { class: 'label middle faint', x, y: y + (12 + LINE) * px },
					`${measure.format(segment.value)} · ${percent(segment.value / measure.total)}`)];
		}));
}

export interface Chart {
	element: HTMLElement;
	draw(plan: Plan, limit?: number | null): void;
	destroy(): void;
}

// A chart as wide as its element.
export function createChart(
	highlight: Highlight, picture: (plan: Plan, limit: number | null, width: number, px: number) => SVGSVGElement
): Chart {
	const element = h('div', { class: 'chart-box' });
	let shown: [Plan, number | null] | null = null;
	const redraw = () => {
		if (!shown || !element.clientWidth) return;
		const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
		replace(element, picture(...shown, element.clientWidth, rem / 16));
		highlight.mark(element);
	};
	const observer = new ResizeObserver(redraw);
	observer.observe(element);
	highlight.follow(element);
	return {
		element,
		draw(plan, limit = null) {
			shown = [plan, limit];
			redraw();
		},
		destroy: () => observer.disconnect(),
	};
}

export const createTimeBar = (highlight: Highlight) =>
	createChart(highlight, (plan, _, width, px) => picture(plan, measureOf(plan), width, px));

// What the stages have of it.
export function stageShares(plan: Plan): HTMLElement {
	const measure = measureOf(plan);
	return h('ul', { class: 'shares', 'aria-label': `${measure.name} by stage` },
		...groupsOf(plan).filter(({ output }) => output).map(({ title, stage, cells }) => {
			const sum = cells.reduce((total, { unit }) => {
				const found = unit === null ? undefined : plan.units[unit];
				return found ? total + measure.of(found) : total;
			}, 0);
			return h('li', { class: colourClass(stage) },
				h('span', {}, title), ' ', h('strong', {}, percent(sum / (measure.total || 1))));
		}));
}
