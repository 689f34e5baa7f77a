// What the arena holds while each layer runs, against the limit.
import { h, s } from '../dom';
import { bytes } from '../format';
import type { Plan } from '../types';
import { colourClass, groupsOf, unitName } from './cells';
import type { Highlight } from './highlight';
import { createChart, type Chart } from './time';

type Step = Plan['memory'][number];

const OPS: Record<string, string> = {
	conv: 'convolution', dwconv: 'depthwise convolution', se: 'squeeze and excitation', pool: 'average pool',
	linear: 'classifier', max_pool: 'max pool', average_pool: 'average pool', add: 'addition',
};

export const opName = (op: string) => OPS[op] ?? op;

export function stepName(plan: Plan, step: Step): string {
	const unit = plan.units[step.unit];
	return unit ? `${unitName(unit)}, ${opName(step.op)}` : opName(step.op);
}

export function largestStep(plan: Plan): Step | undefined {
	return plan.memory.find((step) => step.bytes === Math.max(...plan.memory.map(({ bytes: n }) => n)));
}

const PLOT = 150, ABOVE = 30, BELOW = 26, LEFT = 64;
// A limit that is further away than this many times the maximum would press everything else flat.
const LIMIT_SEEN = 3;

function ticks(top: number): number[] {
	const step = 10 ** Math.floor(Math.log10(top)), by = top / step > 5 ? 2 * step : top / step > 2 ? step : step / 2;
	return Array.from({ length: Math.floor(top / by) + 1 }, (_, i) => i * by);
}

// Which layers are whose, below them.
function groupMarks(plan: Plan, at: (layer: number) => number, y: number, px: number): SVGElement[] {
	return groupsOf(plan).flatMap(({ title, stage, cells }) => {
		const layers = plan.memory.flatMap(({ unit }, i) => (cells.some((cell) => cell.unit === unit) ? [i] : []));
		const first = layers[0], last = layers.at(-1);
		if (first === undefined || last === undefined) return [];
		const room = at(last + 1) - at(first), [x1, x2] = [at(first) + px, at(last + 1) - 2 * px];
		const name = room > title.length * 8 * px || stage === null ? title : String(stage + 1);
		return [s('line', { class: `bracket ${colourClass(stage)}`, x1, x2, y1: y - 13 * px, y2: y - 13 * px }),
			room > name.length * 8 * px && s('text', { class: 'label middle faint', x: (x1 + x2) / 2, y: y + 3 * px }, name),
		].filter((mark) => mark !== false);
	});
}

function limitLine(
	limit: number, peak: number, left: number, width: number, y: (bytes: number) => number
): SVGElement[] {
	if (limit > LIMIT_SEEN * peak) return [];
	return [s('line', { class: 'limit', x1: left, x2: width, y1: y(limit), y2: y(limit) }),
		s('text', { class: 'limit-label', x: width, y: y(limit) - 5 }, `limit ${bytes(limit)}`)];
}

function bars(
	plan: Plan, at: (layer: number) => number, y: (bytes: number) => number, most: Step | undefined
): SVGElement[] {
	const bottom = y(0), step = at(1) - at(0), gap = Math.min(1, step / 4);
	return plan.memory.map((layer, i) => s('g',
		{ class: `cell ${colourClass(plan.units[layer.unit]?.stage ?? null)}`, 'data-unit': layer.unit },
		s('rect', { class: 'hit', x: at(i), y: 0, width: step, height: bottom }),
		s('rect', { class: layer === most ? 'solid most' : 'solid', x: at(i), y: y(layer.bytes), width: step - gap,
			height: bottom - y(layer.bytes) })));
}

function picture(plan: Plan, limit: number | null, width: number, px: number): SVGSVGElement {
	const peak = plan.peak_memory_bytes, height = (PLOT + ABOVE + BELOW) * px, left = LEFT * px;
	const bottom = (PLOT + ABOVE) * px, top = limit !== null && limit <= LIMIT_SEEN * peak ? Math.max(limit, peak) : peak;
	const y = (n: number) => bottom - PLOT * px * n / top;
	const at = (layer: number) => left + (width - left) * layer / plan.memory.length;
	const most = largestStep(plan), label = most ? `${bytes(most.bytes)}: ${stepName(plan, most)}` : '';
	const middle = at((most ? plan.memory.indexOf(most) : 0) + 0.5), share = middle / width;
	const anchor = share < 0.4 ? 'start' : share > 0.7 ? 'end' : 'middle';
	return s('svg', { class: 'memory', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img',
		'aria-label': `Memory over ${plan.memory.length} layers; at most ${label}` +
			(limit ? `; limit ${bytes(limit)}` : '') },
		...ticks(top).flatMap((tick) => [
			s('line', { class: 'grid', x1: left, x2: width, y1: y(tick), y2: y(tick) }),
			s('text', { class: 'tick', x: left - 6 * px, y: y(tick) + 4 * px }, bytes(tick))]),
		...bars(plan, at, y, most),
		s('text', { class: `label ${anchor}`, x: middle, y: y(peak) - 5 * px }, label),
		...(limit === null ? [] : limitLine(limit, peak, left, width, y)),
		...groupMarks(plan, at, bottom + 19 * px, px));
}

export const createMemoryChart = (highlight: Highlight): Chart => createChart(highlight, picture);

// How the maximum stands to the limit, in words.
export function headroom(plan: Plan, limit: number | null): HTMLElement {
	const peak = plan.peak_memory_bytes;
	if (limit === null) return h('p', { class: 'muted' }, `At most ${bytes(peak)}; there is no limit.`);
	const part = `${Math.round(peak / limit * 100)} % of the limit of ${bytes(limit)}`;
	return h('p', { class: peak > limit ? 'over' : 'muted' }, `At most ${bytes(peak)}, ${part}` +
		(limit > LIMIT_SEEN * peak ? ', which lies above this chart.' : '.'));
}
