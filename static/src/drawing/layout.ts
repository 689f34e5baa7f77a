// Where the parts of the drawing are, in CSS pixels: from left to right, or from top to bottom where it is narrow.
import type { Plan } from '../types';
import { groupsOf, type Cell, type Group } from './cells';

export interface Box {
	x: number;
	y: number;
	w: number;
	h: number;
}

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
	axis: [x1: number, y1: number, x2: number, y2: number];
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

function horizontal(plan: Plan, groups: Group[], scale: Scale, width: number, unit: number, pitch: number): Layout {
	const thick = THICK * unit, cy = ABOVE * unit + thick / 2, height = (ABOVE + BELOW) * unit + thick;
	const side = IMAGE * unit, gap = GAP * unit;
	let x = side + gap;
	const placed = groups.map((group): PlacedGroup => {
		const box = { x, y: 0, w: group.cells.length * pitch, h: height };
		const cells = group.cells.map((cell, i): PlacedCell => ({
			cell,
			hit: { x: x + i * pitch, y: ABOVE * unit - 18 * unit, w: pitch, h: thick + (18 + 34) * unit },
			shape: centred(x + (i + 0.5) * pitch, cy, shapeLength(plan, cell) * unit, thickness(cell, scale, thick, unit)),
		}));
		x += box.w + gap;
		return { group, box, cells };
	});
	const image = side * plan.image_size / scale.imageSize;
	return {
		width, height, unit, vertical: false, axis: [side / 2, cy, x - gap, cy], groups: placed,
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
		width, height: y, unit, vertical: true, axis: [cx, side / 2, cx, y - GAP / 2 * unit], groups: placed,
		image: centred(cx, side / 2, image, image), largestImage: centred(cx, side / 2, side - 2, side - 2),
	};
}

export function layout(plan: Plan, scale: Scale, width: number, unit: number): Layout {
	const groups = groupsOf(plan);
	const count = groups.reduce((n, group) => n + group.cells.length, 0);
	const pitch = (width - (IMAGE + GAP * groups.length) * unit) / count;
	if (pitch < PITCH_MIN * unit) return vertical(plan, groups, scale, width, unit);
	return horizontal(plan, groups, scale, width, unit, Math.min(pitch, PITCH_MAX * unit));
}

// From left to right and dense, in pixels of its own, for a picture that is scaled as a whole.
export function smallLayout(plan: Plan, scale: Scale): Layout {
	const groups = groupsOf(plan);
	const count = groups.reduce((n, group) => n + group.cells.length, 0);
	return horizontal(plan, groups, scale, IMAGE + GAP * groups.length + PITCH_SMALL * count, 1, PITCH_SMALL);
}
