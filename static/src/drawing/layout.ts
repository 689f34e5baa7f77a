// Where the parts of the drawing are, in CSS pixels: from left to right in one or two rows, or from top to bottom where
// it is narrow.
import type { Plan } from '../types';
import { groupsOf, type Cell, type Group } from './cells';

export interface Box {
	x: number;
	y: number;
	w: number;
	h: number;
}

export type Point = [x: number, y: number];

export interface PlacedCell {
	cell: Cell;
	hit: Box;   // all that belongs to it
	shape: Box;
}

export interface PlacedGroup {
	group: Group;
	box: Box;
	cells: PlacedCell[];
}

export interface Layout {
	width: number;
	height: number;
	unit: number; // pixels that are 1/16 rem
	vertical: boolean;
	flow: Point[];        // a line from the image through everything
	image: Box;
	largestImage: Box;
	groups: PlacedGroup[];
}

export interface Scale {
	channels: number;  // that the thickest shape stands for
	imageSize: number; // that the largest input stands for
}

// In 1/16 rem.
const PITCH_MIN = 33, PITCH_MAX = 90, PITCH_SMALL = 27, GAP = 12, THICK = 128, SHAPE_MIN = 5;
const IMAGE = 56, ABOVE = 44, BELOW = 56, ROW = 34, TITLE = 30, GUTTER = 22;

// The root: as of a bundle of as many strands.  Early blocks, which have few channels, would not be seen otherwise.
function thickness(cell: Cell, { channels }: Scale, thickest: number, unit: number): number {
	return Math.max(SHAPE_MIN * unit, thickest * Math.sqrt(cell.channels / channels));
}

// How long a shape is in the direction of the flow: its kernel's size.
function shapeLength(plan: Plan, cell: Cell): number {
	const unit = cell.unit === null ? null : plan.units[cell.unit];
	if (!unit) return 12;
	return unit.kind === 'pool' || unit.kind === 'max_pool' ? 10 : 4 + 2.6 * Math.min(unit.kernel, 9);
}

const centred = (cx: number, cy: number, w: number, h: number): Box => ({ x: cx - w / 2, y: cy - h / 2, w, h });

const cellsOf = (groups: Group[]) => groups.reduce((n, group) => n + group.cells.length, 0);

// How far apart cells are when these groups fill a row.
function pitchOf(groups: Group[], first: boolean, width: number, unit: number): number {
	return (width - (GAP * groups.length + (first ? IMAGE : 0)) * unit) / cellsOf(groups);
}

interface Rows {
	rows: Group[][];
	pitch: number;
}

// Two rows, of the widest cells that are possible.
function twoRows(groups: Group[], width: number, unit: number): Rows {
	const ways = groups.slice(1).map((_, i): Rows => {
		const rows = [groups.slice(0, i + 1), groups.slice(i + 1)];
		return { rows, pitch: Math.min(...rows.map((row, n) => pitchOf(row, n === 0, width, unit))) };
	});
	return ways.reduce((best, way) => (way.pitch > best.pitch ? way : best), { rows: [groups], pitch: 0 });
}

function placeRow(plan: Plan, row: Group[], scale: Scale, at: { x: number; y: number }, px: number, pitch: number) {
	const thick = THICK * px, cy = at.y + ABOVE * px + thick / 2, height = (ABOVE + BELOW) * px + thick;
	let { x } = at;
	const groups = row.map((group): PlacedGroup => {
		const box = { x, y: at.y, w: group.cells.length * pitch, h: height };
		const cells = group.cells.map((cell, i): PlacedCell => ({
			cell,
			hit: { x: x + i * pitch, y: at.y + (ABOVE - 18) * px, w: pitch, h: thick + (18 + 34) * px },
			shape: centred(x + (i + 0.5) * pitch, cy, shapeLength(plan, cell) * px, thickness(cell, scale, thick, px)),
		}));
		x += box.w + GAP * px;
		return { group, box, cells };
	});
	return { groups, cy, right: x - GAP * px, bottom: at.y + height };
}

function horizontal(plan: Plan, { rows, pitch }: Rows, scale: Scale, width: number, unit: number): Layout {
	const side = IMAGE * unit, gap = GAP * unit, flow: Point[] = [];
	const groups: PlacedGroup[] = [];
	let y = 0;
	rows.forEach((row, i) => {
		const placed = placeRow(plan, row, scale, { x: i ? gap : side + gap, y }, unit, pitch);
		groups.push(...placed.groups);
		if (i) flow.push([0, y - gap / 2], [0, placed.cy]);
		else flow.push([side / 2, placed.cy]);
		y = placed.bottom;
		if (i + 1 === rows.length) return flow.push([placed.right, placed.cy]);
		y += gap;
		return flow.push([placed.right + gap / 2, placed.cy], [placed.right + gap / 2, y - gap / 2]);
	});
	const image = side * plan.image_size / scale.imageSize, cy = (ABOVE + THICK / 2) * unit;
	return {
		width, height: y, unit, vertical: false, flow, groups,
		image: centred(side / 2, cy, image, image), largestImage: centred(side / 2, cy, side - 2, side - 2),
	};
}

function vertical(plan: Plan, groups: Group[], scale: Scale, width: number, unit: number): Layout {
	const thick = Math.min(width * 0.4, THICK * unit), cx = GUTTER * unit + thick / 2, side = IMAGE * unit;
	let y = side + 8 * unit;
	const placed = groups.map((group): PlacedGroup => {
		const top = y + TITLE * unit;
		const cells = group.cells.map((cell, i): PlacedCell => ({
			cell,
			hit: { x: 0, y: top + i * ROW * unit, w: width, h: ROW * unit },
			shape: centred(cx, top + (i + 0.5) * ROW * unit, thickness(cell, scale, thick, unit),
				shapeLength(plan, cell) * unit),
		}));
		const box = { x: 0, y, w: width, h: (TITLE + ROW * group.cells.length) * unit };
		y += box.h + GAP / 2 * unit;
		return { group, box, cells };
	});
	const image = side * plan.image_size / scale.imageSize;
	return {
		width, height: y, unit, vertical: true, flow: [[cx, side / 2], [cx, y - GAP / 2 * unit]], groups: placed,
		image: centred(cx, side / 2, image, image), largestImage: centred(cx, side / 2, side - 2, side - 2),
	};
}

export function layout(plan: Plan, scale: Scale, width: number, unit: number): Layout {
	const groups = groupsOf(plan), least = PITCH_MIN * unit;
	const one: Rows = { rows: [groups], pitch: pitchOf(groups, true, width, unit) };
	const { rows, pitch } = one.pitch < least ? twoRows(groups, width, unit) : one;
	if (pitch < least) return vertical(plan, groups, scale, width, unit);
	return horizontal(plan, { rows, pitch: Math.min(pitch, PITCH_MAX * unit) }, scale, width, unit);
}

// From left to right and dense, in pixels of its own, for a picture that is scaled as a whole.
export function smallLayout(plan: Plan, scale: Scale): Layout {
	const groups = groupsOf(plan), width = IMAGE + GAP * groups.length + PITCH_SMALL * cellsOf(groups);
	return horizontal(plan, { rows: [groups], pitch: PITCH_SMALL }, scale, width, 1);
}
