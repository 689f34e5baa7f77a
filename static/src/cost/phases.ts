// The phases of progressive shrinking, as the network's recipe has them.

export interface Phase {
	name: string;
	begin: number;  // epochs before it
	epochs: number;
	opens: string;  // what subnets may choose from here on that they could not before
}

const SETS: [name: 'kernels' | 'depths' | 'expands', text: string][] = [
	['kernels', 'kernels'], ['depths', 'depths'], ['expands', 'expand ratios'],
];

type Sets = Record<'kernels' | 'depths' | 'expands', number[]>;

const numbers = (value: unknown): number[] => Array.isArray(value) ? value.map(Number) : [];

// An empty list is the largest value alone.
function opened(sets: Sets, before: Sets | null): string {
	if (!before) return 'the largest subnet alone';
	const parts = SETS.flatMap(([name, text]) => {
		const added = sets[name].filter((value) => !before[name].includes(value));
		const isNew = added.length > 0 && sets[name].length > 1;
		return isNew ? [`${text} ${[...sets[name]].sort((a, b) => b - a).join(', ')}`] : [];
	});
	return parts.length ? parts.join('; ') : 'the same subnets, longer';
}

// lineage: of GET /networks/{name}; [] where it holds no recipe.
export function phasesOf(lineage: unknown): Phase[] {
	const recipe = (lineage as { recipe?: { phases?: unknown } } | undefined)?.recipe;
	if (!Array.isArray(recipe?.phases)) return [];
	let begin = 0, before: Sets | null = null;
	return (recipe.phases as Record<string, unknown>[]).map((phase) => {
		const sets: Sets = { kernels: numbers(phase['kernels']), depths: numbers(phase['depths']),
			expands: numbers(phase['expands']) };
		const epochs = Number(phase['epochs'] ?? 0);
		const result = { name: String(phase['name']), begin, epochs, opens: opened(sets, before) };
		begin += epochs;
		before = sets;
		return result;
	});
}
