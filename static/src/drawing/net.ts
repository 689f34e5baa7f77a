// The drawing of a subnet.  Over the picture lie buttons, one for each unit, which pointer and keyboard walk.
import { h, replace, s, uniqueId } from '../dom';
import { bytes, count, milliseconds } from '../format';
import type { Plan, PlanUnit } from '../types';
import { colourClass, description, groupsOf, mapSize, unitChannels, unitName, unitShort } from './cells';
import type { Highlight } from './highlight';
import { layout, smallLayout, type Layout, type PlacedCell, type PlacedGroup, type Scale } from './layout';
import { cellShape } from './shapes';

const text = (name: string, x: number, y: number, content: string) => s('text', { class: name, x, y }, content);

function groupTitle({ group, box }: PlacedGroup, { vertical, unit }: Layout): SVGGElement {
	const output = group.output ? mapSize(group.output) : '';
	const lines = vertical
		? [text('title', box.x, box.y + 20 * unit, output ? `${group.title}  →  ${output}` : group.title),
			s('line', { class: 'bracket', x1: box.x, x2: box.x + box.w, y1: box.y + 27 * unit, y2: box.y + 27 * unit })]
		: [text('title middle', box.x + box.w / 2, box.y + 14 * unit, group.title),
			s('line', { class: 'bracket', x1: box.x + 2, x2: box.x + box.w - 2, y1: box.y + 21 * unit, y2: box.y + 21 * unit }),
			text('note middle', box.x + box.w / 2, box.y + box.h - 4 * unit, output)];
	return s('g', { class: `group ${colourClass(group.stage)}` }, ...lines);
}

const ratio = (expand: number) => `×${Number(expand.toPrecision(3))}`.replace('×0.', '×.');

function besides(unit: PlanUnit): string {
	const expand = unit.expand === null ? '' : ratio(unit.expand);
	const parts = unit.stage === null ? [unitShort(unit)] : [`k${unit.kernel}`, expand];
	if (unit.stride > 1) parts.push(`÷${unit.stride}`);
	parts.push(`${unitChannels(unit)} ch`);
	return parts.filter(Boolean).join('  ');
}

function cellTexts(plan: Plan, { cell, hit, shape }: PlacedCell, { vertical, unit: px, width }: Layout): SVGElement[] {
	const unit = cell.unit === null ? null : plan.units[cell.unit];
	if (vertical) {
		const x = Math.min(width * 0.4, 128 * px) + 34 * px, y = hit.y + hit.h / 2 + 4 * px;
		return [text(unit ? 'label' : 'label faint', x, y, unit ? besides(unit) : 'left out')];
	}
	const cx = hit.x + hit.w / 2, below = hit.y + hit.h - 30 * px;
	if (!unit) return [];
	const first = unit.stage === null ? unitShort(unit) : `k${unit.kernel}`;
	const texts = [text('label middle', cx, below + 11 * px, first)];
	if (unit.stage !== null && unit.expand !== null)
		texts.push(text('label middle faint', cx, below + 25 * px, ratio(unit.expand)));
	if (unit.stride > 1) texts.push(text('label middle', cx, shape.y - 5 * px, `÷${unit.stride}`));
	return texts;
}

const flowLine = ({ flow }: Layout) =>
	s('polyline', { class: 'flow', points: flow.map((point) => point.join()).join(' ') });

function picture(plan: Plan, where: Layout): SVGSVGElement {
	const { width, height, image, largestImage: most, unit: px } = where;
	const size = `${plan.image_size} px`;
	return s('svg', { class: where.vertical ? 'net tall' : 'net', width, height, viewBox: `0 0 ${width} ${height}` },
		flowLine(where),
		s('rect', { class: 'largest-image', x: most.x, y: most.y, width: most.w, height: most.h }),
		s('rect', { class: 'image', x: image.x, y: image.y, width: image.w, height: image.h }),
		where.vertical
			? text('title', most.x + most.w + 12 * px, most.y + most.h / 2 + 4 * px, `Image, ${size}`)
			: text('title middle', most.x + most.w / 2, most.y + most.h + 16 * px, size),
		...where.groups.map((group) => groupTitle(group, where)),
		...where.groups.flatMap((group) => group.cells.map((cell) => {
			const shape = cellShape(plan, cell, where);
			shape.append(...cellTexts(plan, cell, where));
			return shape;
		})));
}

// Of several that were timed as one, the one that has the time.
function time(plan: Plan, { latency_ms: ms, latency_included_in: key }: PlanUnit): string {
	const other = key === undefined ? undefined : plan.units.find((unit) => unit.latency_key === key);
	return other ? `with ${unitShort(other)}` : ms === null ? '–' : milliseconds(ms);
}

// Everything that is known of a unit, in the order of the table.
export function unitFacts(plan: Plan, unit: PlanUnit): [name: string, value: string][] {
	return [
		['Input', mapSize(unit.input)],
		['Output', mapSize(unit.output)],
		['Kernel', `${unit.kernel}`],
		['Expand ratio', unit.expand === null ? '–' : `${Number(unit.expand.toPrecision(3))}`],
		['Middle channels', unit.mid === null ? '–' : `${unit.mid}`],
		['Stride', `${unit.stride}`],
		['Activation', unit.act.replace('_', '-')],
		['Squeeze-excite', unit.se ? 'yes' : 'no'],
		['Residual', unit.residual ? 'yes' : 'no'],
		['MACs', count(unit.macs)],
		['Parameters', count(unit.params)],
		['Bytes', bytes(unit.storage_bytes)],
		['Time', time(plan, unit)],
	];
}

function spoken(plan: Plan, unit: PlanUnit): string {
	const known = unitFacts(plan, unit).filter(([, value]) => value !== '–');
	return `${unitName(unit)}: ${known.map((fact) => fact.join(' ')).join(', ')}`;
}

function buttonsFor(plan: Plan, where: Layout, highlight: Highlight): HTMLButtonElement[] {
	const cells = where.groups.flatMap((group) => group.cells).filter((placed) => placed.cell.unit !== null);
	return cells.map(({ cell: { unit: index }, hit }, i) => {
		const unit = plan.units[index ?? 0];
		const button = h('button', {
			type: 'button', class: 'walk', tabindex: i ? -1 : 0, 'data-unit': index,
			'aria-label': unit && spoken(plan, unit), 'aria-pressed': String(highlight.held === index),
			onFocus: () => highlight.point(index), onBlur: () => highlight.point(null),
			onClick: () => highlight.hold(index),
		});
		Object.assign(button.style, { left: `${hit.x}px`, top: `${hit.y}px`, width: `${hit.w}px`, height: `${hit.h}px` });
		return button;
	});
}

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

// One of the buttons is in the page's tab order; arrows, Home and End go to others.
function walk(buttons: HTMLButtonElement[], event: KeyboardEvent): void {
	const at = buttons.indexOf(event.target as HTMLButtonElement), step = STEPS[event.key];
	const to = event.key === 'Home' ? 0 : event.key === 'End' ? buttons.length - 1 : step === undefined ? -1 : at + step;
	const next = buttons[to];
	if (at < 0 || !next) return;
	event.preventDefault();
	buttons.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
	next.focus();
}

export interface NetDrawing {
	element: HTMLElement;
	draw(plan: Plan, scale: Scale): void;
	destroy(): void;
}

export function createNet(highlight: Highlight): NetDrawing {
	const words = h('p', { class: 'visually-hidden', id: uniqueId('net') });
	const frame = h('div', { class: 'net-frame' });
	const element = h('div', { class: 'net-box' }, words, frame);
	let shown: [Plan, Scale] | null = null;
	let buttons: HTMLButtonElement[] = [];

	const redraw = () => {
		if (!shown || !element.clientWidth) return;
		const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
		const where = layout(...shown, element.clientWidth, rem / 16);
		const svg = picture(shown[0], where);
		const focused = buttons.findIndex((button) => button === document.activeElement);
		svg.setAttribute('role', 'img');
		svg.setAttribute('aria-label', 'The chosen subnet');
		svg.setAttribute('aria-describedby', words.id);
		buttons = buttonsFor(shown[0], where, highlight);
		replace(frame, svg, h('div', { role: 'toolbar', 'aria-label': 'Blocks of the subnet' }, ...buttons));
		buttons[focused]?.focus();
		highlight.mark(frame);
	};
	const observer = new ResizeObserver(redraw);
	observer.observe(element);
	frame.addEventListener('keydown', (event) => walk(buttons, event));
	highlight.follow(frame);
	highlight.subscribe(() => buttons.forEach((button) =>
		button.setAttribute('aria-pressed', String(button.dataset['unit'] === String(highlight.held)))));
	return {
		element,
		draw(plan, scale) {
			shown = [plan, scale];
			words.textContent = description(plan);
			redraw();
		},
		destroy: () => observer.disconnect(),
	};
}

const same = (a: PlanUnit | undefined, b: PlanUnit | undefined) =>
	a?.kernel === b?.kernel && (!a || !b || unitChannels(a) === unitChannels(b));

// Without texts and buttons, for beside `other`: equal cells lie at equal places, what differs is underlined.
export function smallNet(plan: Plan, other: Plan, scale: Scale, label: string): SVGSVGElement {
	const where = smallLayout(plan, scale), { width, height, image } = where;
	const cells = where.groups.flatMap((group) => group.cells);
	const others = groupsOf(other).flatMap((group) => group.cells);
	const marks = cells.filter(({ cell }, i) => !same(plan.units[cell.unit ?? -1], other.units[others[i]?.unit ?? -1]));
	const viewBox = `0 26 ${width} ${height - 70}`;
	return s('svg', { class: 'net small', viewBox, role: 'img', 'aria-label': label },
		flowLine(where),
		s('rect', { class: 'image', x: image.x, y: image.y, width: image.w, height: image.h }),
		...cells.map((cell) => cellShape(plan, cell, where)),
		...marks.map(({ hit: { x, w } }) =>
			s('rect', { class: 'differs', x: x + 3, y: height - 50, width: w - 6, height: 4 })));
}
