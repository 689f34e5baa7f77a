// A subnet against another: figures with ratios, and where their blocks differ.
import { unitChannels } from '../drawing/cells';
import { accuracy, bytes, count, milliseconds } from '../format';
import type { Plan } from '../types';

export interface Figure {
	name: string;
	of: (plan: Plan) => number | null;
	format: (value: number) => string;
	by: 'ratio' | 'difference';
	words: [less: string, more: string];
}

const blocksOf = (plan: Plan) => plan.stages.reduce((sum, stage) => sum + stage.active, 0);

export const FIGURES: readonly Figure[] = [
	{
		name: 'Predicted accuracy', of: (p) => p.predicted_accuracy, format: accuracy,
		by: 'difference', words: ['lower', 'higher'],
	},
	{
		name: 'Latency', of: (p) => p.latency_ms, format: milliseconds,
		by: 'ratio', words: ['less time', 'more time'],
	},
	{
		name: 'MACs', of: (p) => p.macs, format: count,
		by: 'ratio', words: ['fewer MACs', 'more MACs'],
	},
	{
		name: 'Peak memory', of: (p) => p.peak_memory_bytes, format: bytes,
		by: 'ratio', words: ['less memory', 'more memory'],
	},
	{
		name: 'Package size', of: (p) => p.storage_bytes, format: bytes,
		by: 'ratio', words: ['fewer bytes', 'more bytes'],
	},
	{
		name: 'Parameters', of: (p) => p.params, format: count,
		by: 'ratio', words: ['fewer', 'more'],
	},
	{
		name: 'Elastic blocks', of: blocksOf, format: (n) => `${n}`,
		by: 'difference', words: ['fewer', 'more'],
	},
	{
		name: 'Image size', of: (p) => p.image_size, format: (n) => `${n} px`,
		by: 'difference', words: ['smaller', 'larger'],
	},
];

export function figure({ of, format }: Figure, plan: Plan): string {
	const value = of(plan);
	return value === null ? 'unknown' : format(value);
}

// What the first has of it against the second: "3.1× fewer MACs".
export function against(what: Figure, first: Plan, second: Plan): string {
	const a = what.of(first), b = what.of(second);
	if (a === null || b === null) return '';
	if (what.format(a) === what.format(b)) return 'the same';
	const word = what.words[a < b ? 0 : 1];
	if (what.format === accuracy) return `${Math.abs((a - b) * 100).toFixed(2)} points ${word}`;
	if (what.by === 'difference') return `${what.format(Math.abs(a - b))} ${word}`;
	const ratio = a < b ? b / a : a / b;
	return `${ratio < 1.05 ? `${((ratio - 1) * 100).toFixed(1)} %` : `${ratio.toFixed(ratio < 9.95 ? 1 : 0)}×`} ${word}`;
}

function stageDifferences(a: Plan, b: Plan, stage: number): string[] {
	const of = (plan: Plan) => plan.units.filter((unit) => unit.stage === stage);
	const first = of(a), second = of(b), found: string[] = [];
	if (first.length !== second.length) found.push(`${first.length} blocks, not ${second.length}`);
	first.forEach((unit, i) => {
		const other = second[i];
		if (!other) return;
		const parts = [
			unit.kernel !== other.kernel && `kernel ${unit.kernel}, not ${other.kernel}`,
			unit.expand !== other.expand && `expand ratio ${unit.expand}, not ${other.expand}`,
			unit.expand === other.expand && unitChannels(unit) !== unitChannels(other) &&
				`${unitChannels(unit)} middle channels, not ${unitChannels(other)}`,
		].filter((part) => part !== false);
		if (parts.length) found.push(`block ${i + 1}: ${parts.join(' and ')}`);
	});
	const channels = [a, b].map((plan) => plan.stages[stage]?.channels);
	if (channels[0] !== channels[1]) found.push(`${channels[0]} channels, not ${channels[1]}`);
	return found;
}

// Sentences, one for each stage that differs; none: they are the same subnet.
export function differences(a: Plan, b: Plan): string[] {
	const sentences = a.stages.flatMap((_, stage) => {
		const found = stageDifferences(a, b, stage);
		return found.length ? [`Stage ${stage + 1} has ${found.join('; ')}.`] : [];
	});
	if (a.image_size !== b.image_size) sentences.unshift(`Images of ${a.image_size} px, not ${b.image_size} px.`);
	return sentences;
}
