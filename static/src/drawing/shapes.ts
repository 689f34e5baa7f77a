// The SVG of the parts.
import { s } from '../dom';
import type { Plan, PlanUnit } from '../types';
import { colourClass } from './cells';
import type { Box, Layout, PlacedCell } from './layout';

// Corners tell the kernel beside the length: 3 square, 5 cut, 7 and more round.
export function kernelShape(kernel: number, { x, y, w, h }: Box): SVGElement {
	const side = Math.min(w, h), cut = side * 0.3;
	if (kernel < 5) return s('rect', { class: 'shape', x, y, width: w, height: h });
	if (kernel > 5) return s('rect', { class: 'shape', x, y, width: w, height: h, rx: side / 2 });
	return s('polygon', {
		class: 'shape',
		points: [[x + cut, y], [x + w - cut, y], [x + w, y + cut], [x + w, y + h - cut], [x + w - cut, y + h],
			[x + cut, y + h], [x, y + h - cut], [x, y + cut]].map((p) => p.join()).join(' '),
	});
}

// A funnel in the direction of the flow.
function poolShape({ x, y, w, h }: Box, vertical: boolean): SVGElement {
	const points = vertical
		? [[x, y], [x + w, y], [x + w * 0.75, y + h], [x + w * 0.25, y + h]]
		: [[x, y], [x + w, y + h * 0.25], [x + w, y + h * 0.75], [x, y + h]];
	return s('polygon', { class: 'shape', points: points.map((p) => p.join()).join(' ') });
}

function unitShape(unit: PlanUnit, box: Box, vertical: boolean): SVGElement {
	return unit.kind === 'pool' || unit.kind === 'max_pool' ? poolShape(box, vertical) : kernelShape(unit.kernel, box);
}

// Around the shape, from before it to behind it.
function residualPath({ hit, shape }: PlacedCell, { vertical, unit }: Layout): SVGElement {
	const inset = 3 * unit, clear = 7 * unit, reach = 15 * unit, r = 6 * unit;
	const cx = shape.x + shape.w / 2, cy = shape.y + shape.h / 2, x = shape.x - clear, y = shape.y - clear;
	const left = Math.max(hit.x + inset, x + clear - reach), right = 2 * cx - left;
	const [top, bottom] = [hit.y + inset, hit.y + hit.h - inset];
	const d = vertical
		? `M${cx},${top}H${x + r}Q${x},${top} ${x},${top + r}V${bottom - r}Q${x},${bottom} ${x + r},${bottom}H${cx}`
		: `M${left},${cy}V${y + r}Q${left},${y} ${left + r},${y}H${right - r}Q${right},${y} ${right},${y + r}V${cy}`;
	return s('path', { class: 'residual', d });
}

// A mark inside.
function squeeze({ shape }: PlacedCell, { unit }: Layout): SVGElement {
	const radius = Math.min(3.5 * unit, Math.min(shape.w, shape.h) / 2.6);
	return s('circle', { class: 'se', cx: shape.x + shape.w / 2, cy: shape.y + shape.h / 2, r: radius });
}

// One cell without its texts.
export function cellShape(plan: Plan, placed: PlacedCell, where: Layout): SVGGElement {
	const { cell, shape } = placed;
	const unit = cell.unit === null ? null : plan.units[cell.unit];
	if (!unit) {
		return s('g', { class: 'cell skipped' },
			s('rect', { class: 'shape', x: shape.x, y: shape.y, width: shape.w, height: shape.h }));
	}
	return s('g', { class: `cell ${colourClass(unit.stage)}`, 'data-unit': cell.unit },
		unit.residual && residualPath(placed, where),
		unitShape(unit, shape, where.vertical),
		unit.se && squeeze(placed, where));
}
