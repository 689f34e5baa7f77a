// The ends of a network's space: the subnets whose every gene is smallest, or largest.
import type { Arch, Network } from './types';

interface Stage {
	kernels?: number[];
	expands: number[];
	depths: number[];
	base_depth?: number; // of a resnet, as is the next: blocks that every subnet has
	widths?: number[];
}

interface Space {
	family: string;
	resolutions: number[];
	stem: { depths?: number[]; mid_widths?: number[]; widths?: number[] }; // of a resnet
	stages: Stage[];
}

type Pick = (values: number[]) => number;

const least: Pick = (values) => Math.min(...values);
const most: Pick = (values) => Math.max(...values);

// `gene` for each block that a stage may have.
const perBlock = (stages: Stage[], gene: (stage: Stage) => number) =>
	stages.flatMap((stage) => Array.from({ length: (stage.base_depth ?? 0) + most(stage.depths) }, () => gene(stage)));

function archOf(space: Space, pick: Pick): Arch {
	const { stages, stem } = space;
	const e = perBlock(stages, (stage) => pick(stage.expands)), image_size = pick(space.resolutions);
	const depths = stages.map((stage) => pick(stage.depths));
	if (space.family !== 'resnet')
		return { ks: perBlock(stages, (stage) => pick(stage.kernels ?? [])), e, d: depths, image_size };
	// a width is told by its place in its list
	const widths = [stem.mid_widths ?? [], stem.widths ?? [], ...stages.map((stage) => stage.widths ?? [])];
	const w = widths.map((list) => list.indexOf(pick(list)));
	return { d: [pick(stem.depths ?? []), ...depths], e, w, image_size } as unknown as Arch;
}

export function smallest(network: Network): Arch {
	return archOf(network.space as unknown as Space, least);
}

// The largest image that archs are searched for.
export function largestImage({ searched_resolutions: searched, resolutions }: Network): number {
	return most(searched.length ? searched : resolutions);
}

export function largest(network: Network): Arch {
	return archOf(network.space as unknown as Space, most);
}
