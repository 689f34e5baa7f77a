// A latency table as rows, each with the place of a network that it is the time of.
import type { Profile } from '../types';

export interface Row {
	resolution: number;
	key: string;
	kind: string;           // "block", "stem", ..
	place: string;          // "stage 2", or the kind of what is no block
	order: number;          // of the place, from the image to the classes
	input: [number, number];  // height, channels
	output: [number, number];
	kernel: number | null;
	expand: number | null;  // ratio
	macs: number | null;    // of blocks
	mean: number | null;    // ms; null: included in another
	std: number | null;
	count: number | null;
	includedIn: string | null;
}

const KINDS: Record<string, [name: string, order: number]> = {
	'Conv': ['stem', 0], 'Conv_out': ['stem out', 1], 'MaxPool2D': ['max pool', 2], 'expanded_conv': ['block', 10],
	'Bottleneck': ['block', 10], 'Conv_skip': ['skip', 10], 'Conv_1': ['head expand', 90],
	'AvgPool2D': ['pool', 91],
	'Conv_2': ['mix', 92], 'Logits': ['classifier', 93],
};

interface Stages {
	stemStride: number;
	list: { width: number; stride: number }[]; // the first block is the first
}

const number = (object: unknown, name: string): number =>
	Number((object as Record<string, unknown> | undefined)?.[name] ?? NaN);

// Of a space whose blocks tell by size and channels which stage they are of; null: of another family.
export function readStages(space: unknown): Stages | null {
	const { family, stem, first, stages } = (space ?? {}) as Record<string, unknown>;
	if (family !== 'mbconv' || !Array.isArray(stages)) return null;
	const list = [{ width: number(first, 'width'), stride: 1 },
		...stages.map((stage) => ({ width: number(stage, 'width'), stride: number(stage, 'stride') }))];
	return { stemStride: number(stem, 'stride'), list };
}

// 0 is the first block; null: no stage has such blocks.
function stageOf(stages: Stages, resolution: number, [size, channels]: [number, number]): number | null {
	let at = Math.ceil(resolution / stages.stemStride);
	for (const [i, stage] of stages.list.entries()) {
		at = Math.ceil(at / stage.stride);
		if (at === size && stage.width === channels) return i;
	}
	return null;
}

const EXPAND = /-expand:(\d+)/, KERNEL = /-kernel:(\d+)/, SE = /-se:(\d+)/;
const INPUT = /-input:(\d+)(?:x\d+x(\d+))?/, OUTPUT = /-output:(\d+)(?:x\d+x(\d+))?/;

const field = (key: string, pattern: RegExp): number | null => {
	const found = pattern.exec(key)?.[1];
	return found === undefined ? null : Number(found);
};

function shape(key: string, pattern: RegExp): [number, number] {
	const found = pattern.exec(key);
	const first = Number(found?.[1] ?? 0);
	return found?.[2] === undefined ? [1, first] : [first, Number(found[2])];
}

// Of the two pointwise convolutions, the depthwise one between and squeeze-and-excitation.
function blockMacs(key: string, input: [number, number], output: [number, number]): number | null {
	const mid = field(key, EXPAND), kernel = field(key, KERNEL);
	if (mid === null || kernel === null || !key.startsWith('expanded_conv')) return null;
	const before = input[0] ** 2, after = output[0] ** 2;
	const squeeze = field(key, SE) ? 2 * mid * 8 * Math.max(1, Math.round(mid / 32)) : 0;
	return before * input[1] * mid + after * mid * kernel ** 2 + after * mid * output[1] + squeeze;
}

function place(kind: string, resolution: number, output: [number, number], stages: Stages | null): [string, number] {
	const order = Object.values(KINDS).find(([name]) => name === kind)?.[1] ?? 99;
	if (kind !== 'block') return [kind, order];
	const stage = stages && stageOf(stages, resolution, output);
	if (stage === null) return [`${output[0]} × ${output[0]} maps`, order + 60 - Math.min(59, output[0] / 4)];
	return [stage === 0 ? 'first block' : `stage ${stage}`, order + stage];
}

function readRow(resolution: number, key: string, entry: unknown, stages: Stages | null): Row {
	const { mean, std, count, included_in: includedIn } = entry as
		{ mean?: number; std?: number; count?: number; included_in?: string };
	const kind = KINDS[key.slice(0, key.indexOf('-'))]?.[0] ?? 'other';
	const input = shape(key, INPUT), output = shape(key, OUTPUT), mid = field(key, EXPAND);
	const [name, order] = place(kind, resolution, output, stages);
	return {
		resolution, key, kind, place: name, order, input, output,
		kernel: field(key, KERNEL),
		expand: mid === null || !input[1] ? null : Number((mid / input[1]).toFixed(2)),
		macs: blockMacs(key, input, output),
		mean: mean ?? null, std: std ?? null, count: count ?? null, includedIn: includedIn ?? null,
	};
}

// In the order of the network, resolution by resolution.
export function readTable(profile: Profile, space: unknown): Row[] {
	const stages = readStages(space);
	const rows = Object.entries(profile.latency_table?.entries ?? {}).flatMap(([resolution, entries]) =>
		Object.entries(entries).map(([key, entry]) => readRow(Number(resolution), key, entry, stages)));
	return rows.sort((a, b) => a.resolution - b.resolution || a.order - b.order || b.output[0] - a.output[0]
		|| (a.key < b.key ? -1 : 1));
}
