// A subnet in the order of its flow: its units, and the blocks of each stage that it leaves out.
import type { Plan, PlanUnit } from '../types';

export interface Cell {
	unit: number | null; // index into plan.units; null: a block that is left out
	channels: number;    // how wide it is: its middle channels, or its output's; of what is left out, its neighbour's
}

export interface Group {
	stage: number | null;
	title: string;
	cells: Cell[];
	output: PlanUnit['output'] | null; // of its last unit
}

const NAMES: Record<PlanUnit['kind'], [name: string, short: string]> = {
	stem: ['Stem', 'stem'],
	block: ['First block', 'first'],
	head_expand: ['Expansion', 'expand'],
	pool: ['Average pool', 'pool'],
	mix: ['Mixing layer', 'mix'],
	classifier: ['Classifier', 'class'],
	stem_out: ['End of the stem', 'stem'],
	max_pool: ['Max pool', 'pool'],
};

export function unitName(unit: PlanUnit): string {
	return unit.stage === null ? NAMES[unit.kind][0] : `Stage ${unit.stage + 1}, block ${(unit.block ?? 0) + 1}`;
}

// For where there is little room.
export function unitShort(unit: PlanUnit): string {
	return unit.stage === null ? NAMES[unit.kind][1] : `${unit.stage + 1}.${(unit.block ?? 0) + 1}`;
}

// Stages have the colours of the categories, what is outside of them the neutral one.
const STAGE_COLOURS = [1, 2, 3, 4, 5, 6, 8] as const;
export const colourClass = (stage: number | null) =>
	`tint-${stage === null ? 7 : STAGE_COLOURS[stage % STAGE_COLOURS.length]}`;

export const unitChannels = (unit: PlanUnit) => unit.mid ?? unit.output[2] ?? 0;
export const widest = (plan: Plan) => Math.max(...plan.units.map(unitChannels));

function stageGroup(plan: Plan, stage: number): Group {
	const { blocks, channels } = plan.stages[stage] ?? { blocks: 0, channels: 0 };
	const group: Group = { stage, title: `Stage ${stage + 1}`, cells: [], output: null };
	plan.units.forEach((unit, i) => {
		if (unit.stage !== stage) return;
		group.cells.push({ unit: i, channels: unitChannels(unit) });
		group.output = unit.output;
	});
	const beside = group.cells.at(-1)?.channels ?? channels;
	while (group.cells.length < blocks) group.cells.push({ unit: null, channels: beside });
	return group;
}

// A stage without any block leaves no unit behind; it stands where the next one begins, or before the stem's end.
export function groupsOf(plan: Plan): Group[] {
	const groups: Group[] = [];
	let stages = 0;
	const stagesUpTo = (end: number) => {
		while (stages < end) groups.push(stageGroup(plan, stages++));
	};
	plan.units.forEach((unit, i) => {
		if (unit.stage !== null) return stagesUpTo(unit.stage + 1);
		if (unit.kind === 'stem_out') stagesUpTo(1);
		const last = groups.at(-1);
		const group = last && last.stage === null ? last
			: { stage: null, title: stages ? 'Head' : 'Stem', cells: [], output: null };
		if (group !== last) groups.push(group);
		if (unit.kind === 'max_pool') group.title = 'Stem';
		group.cells.push({ unit: i, channels: unitChannels(unit) });
		group.output = unit.output;
	});
	return groups.filter((group) => group.cells.length > 0);
}

// Height, width, channels.
export const mapSize = (shape: PlanUnit['output']) => shape.join(' × ');

function stageText(plan: Plan, stage: number): string {
	const units = plan.units.filter((unit) => unit.stage === stage);
	const { blocks = 0, active = 0, channels = 0 } = plan.stages[stage] ?? {};
	const list = (of: (unit: PlanUnit) => number | null) => units.map(of).join(', ');
	return `Stage ${stage + 1}: ${active} of ${blocks} blocks to ${channels} channels` +
		(active ? `, kernels ${list((u) => u.kernel)}, expand ratios ${list((u) => u.expand)}` : '') +
		(units.some((u) => u.se) ? ', squeeze and excitation' : '') + '.';
}

// The whole drawing in words.
export function description(plan: Plan): string {
	const [height, width, channels] = plan.units[0]?.input ?? [];
	return `An image of ${height} by ${width} pixels and ${channels} ${channels === 1 ? 'channel' : 'channels'} ` +
		`goes through ${plan.units.length} units. ` + plan.stages.map((_, i) => stageText(plan, i)).join(' ');
}
