// The accuracy of the largest and the smallest subnet over the training, the phases as bands behind.
import { extent } from 'd3-array';
import { scaleLinear } from 'd3-scale';
import { h, s } from '../dom';
import { accuracy } from '../format';
import { drawAxes, remInPixels, responsive, stepping, type Axis, type Frame } from '../plot/frame';
import { headings, scroll } from '../tables';
import type { History } from '../types';

type Evaluation = History['evaluations'][number];

const CURVES = ['largest', 'smallest'] as const;
const DOTS_MAX = 60;
const BAND_LABEL_MIN = 3; // rem

const epochText = (epoch: number) => String(Number(epoch.toFixed(2)));
const describe = ({ epoch, phase, largest, smallest }: Evaluation) =>
	`Epoch ${epochText(epoch)}, ${phase}: largest ${accuracy(largest)}, `
	+ (smallest === null ? 'and no other yet' : `smallest ${accuracy(smallest)}`);

interface Scales {
	frame: Frame;
	x: Axis;
	y: Axis;
}

function scalesOf({ evaluations, phases }: History, width: number): Scales {
	const rem = remInPixels();
	const frame: Frame = {
		rem, width, height: Math.round(Math.min(28 * rem, Math.max(16 * rem, width * 0.45))),
		left: 3.5 * rem, right: 4.75 * rem, top: 2.75 * rem, bottom: 2.6 * rem,
	};
	const values = evaluations.flatMap((e) => CURVES.flatMap((curve) => e[curve] === null ? [] : [e[curve]]));
	const [low = 0, high = 1] = extent(values);
	const end = Math.max(...phases.map((phase) => phase.begin_epoch + phase.epochs),
		...evaluations.map((e) => e.epoch));
	const x = scaleLinear().domain([0, end]).range([frame.left, width - frame.right]);
	const y = scaleLinear().domain([low, high]).range([frame.height - frame.bottom, frame.top]).nice(5);
	return {
		frame,
		x: { title: 'epoch', ticks: x.ticks(Math.max(2, Math.floor(width / (7 * rem)))),
			at: (value) => x(value), format: epochText },
		y: { title: 'accuracy', ticks: y.ticks(5), at: (value) => y(value),
			format: (value) => `${Number((value * 100).toFixed(1))} %` },
	};
}

function bands({ phases }: History, { frame, x }: Scales): SVGGElement {
	const bottom = frame.height - frame.bottom;
	return s('g', { class: 'bands' }, ...phases.flatMap((phase, i) => {
		const left = x.at(phase.begin_epoch), width = x.at(phase.begin_epoch + phase.epochs) - left;
		return [
			s('rect', { class: i % 2 ? 'odd' : 'even', x: left, y: frame.top, width: Math.max(0, width),
				height: bottom - frame.top }),
			width >= BAND_LABEL_MIN * frame.rem && s('text',
				{ x: left + width / 2, y: frame.top - 0.5 * frame.rem, 'text-anchor': 'middle' },
				phase.name),
		].filter((element) => element !== false);
	}));
}

function curves({ evaluations }: History, { frame, x, y }: Scales): SVGElement[] {
	const ends = CURVES.map((curve) =>
		evaluations.map((e) => e[curve]).filter((value) => value !== null).at(-1) ?? null);
	const [upper, lower] = ends.map((value) => value === null ? NaN : y.at(value));
	// names that would lie on each other are moved apart
	const apart = Math.max(0, frame.rem - Math.abs((lower ?? NaN) - (upper ?? NaN))) / 2;
	return CURVES.flatMap((curve, i) => {
		const points = evaluations.flatMap((e) => e[curve] === null ? []
			: [`${x.at(e.epoch).toFixed(1)} ${y.at(e[curve]).toFixed(1)}`]);
		const end = ends[i];
		if (points.length === 0 || end === null || end === undefined) return [];
		const label = y.at(end) + (i === 0 ? -apart : apart);
		return [
			s('path', { class: `curve ${curve}`, d: `M${points.join('L')}` }),
			// where there are few, what lies between them was not measured
			points.length <= DOTS_MAX && s('path',
				{ class: `measured ${curve}`, d: points.map((point) => `M${point}h0`).join('') }),
			s('text', { class: `curve-name ${curve}`, x: frame.width - frame.right + 0.5 * frame.rem,
				y: label, dy: '0.32em' }, curve),
		].filter((element) => element !== false);
	});
}

function chart(history: History): HTMLElement {
	const { evaluations } = history;
	const cursor = s('g', { visibility: 'hidden' }, s('line', { class: 'cursor' }),
		...CURVES.map((curve) => s('circle', { class: `dot ${curve}`, r: '0.3rem' })));
	let scales: Scales | null = null, looked: number | null = null;
	const mark = (index: number | null) => {
		looked = index;
		const at = index === null ? undefined : evaluations[index];
		cursor.setAttribute('visibility', at ? 'visible' : 'hidden');
		if (!at || !scales) return;
		const { frame, x, y } = scales, px = x.at(at.epoch);
		for (const [name, value] of Object.entries({ x1: px, x2: px, y1: frame.top,
			y2: frame.height - frame.bottom }))
			cursor.querySelector('line')?.setAttribute(name, String(value));
		CURVES.forEach((curve, i) => {
			const dot = cursor.querySelectorAll('circle')[i], value = at[curve];
			dot?.setAttribute('cx', String(px));
			dot?.setAttribute('cy', String(value === null ? -100 : y.at(value)));
		});
	};
	const plot = responsive((width) => {
		scales = scalesOf(history, width);
		const { frame, x, y } = scales;
		const svg = s('svg', { width, height: frame.height, 'aria-hidden': 'true' },
			bands(history, scales), drawAxes(frame, x, y), ...curves(history, scales), cursor);
		mark(looked);
		return svg;
	});
	const steps = stepping(plot.element, { label: 'Accuracy over the epochs', n: evaluations.length, mark,
		describe: (i) => evaluations[i] ? describe(evaluations[i]) : '' });
	plot.element.addEventListener('pointermove', (event) => {
		const px = event.clientX - plot.element.getBoundingClientRect().left;
		steps.move(nearest(evaluations, scales, px));
	});
	return h('figure', { class: 'figure history' }, steps.element);
}

function nearest(evaluations: Evaluation[], scales: Scales | null, px: number): number | null {
	if (!scales || evaluations.length === 0) return null;
	const { x } = scales;
	let best = 0;
	evaluations.forEach((e, i) => {
		if (Math.abs(x.at(e.epoch) - px) < Math.abs(x.at(evaluations[best]?.epoch ?? 0) - px)) best = i;
	});
	return best;
}

function table({ evaluations }: History): HTMLElement {
	return h('details', {}, h('summary', {}, 'As a table'),
		scroll('Accuracy over the epochs', h('table', { class: 'evaluations' },
			headings(['Epoch', 'Phase', 'Largest', 'Smallest'], 2),
			h('tbody', {}, ...evaluations.map((e) => h('tr', { 'data-epoch': e.epoch },
				h('td', { class: 'number' }, epochText(e.epoch)), h('td', {}, e.phase),
				h('td', { class: 'number' }, accuracy(e.largest)),
				h('td', { class: 'number' },
					e.smallest === null ? 'none yet' : accuracy(e.smallest))))))));
}

export function historyPanel(history: History): HTMLElement {
	const last = history.evaluations.at(-1);
	return h('div', {},
		last && h('p', { class: 'finding' },
			`At the end the largest subnet is right for ${accuracy(last.largest)} of the images, `
			+ `the smallest for ${accuracy(last.smallest)}`
			+ `${history.measured_on ? `, measured on ${history.measured_on}` : ''}.`),
		chart(history),
		h('p', { class: 'muted' }, 'The smallest is that of the subnets that the phase had opened.'),
		table(history));
}
