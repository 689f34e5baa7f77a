// One device's times against another's, or against what the amount of arithmetic suggests.
import type { Row } from './table';

export interface Pair {
	row: Row;
	here: number;     // ms
	other: number;    // ms there, or MACs
	relative: number; // how slow it is here, measured by the typical entry: 1.8 is 1.8 times as slow
}

export interface Comparison {
	pairs: Pair[];
	typical: number;  // median of here / other
	onlyHere: number; // entries without a counterpart
	onlyThere: number;
}

export interface Group {
	name: string;
	n: number;
	relative: number; // median
}

function median(values: number[]): number {
	const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
	const upper = sorted[half] ?? NaN;
	return sorted.length % 2 ? upper : (upper + (sorted[half - 1] ?? NaN)) / 2;
}

const rowId = (row: Row) => `${row.resolution} ${row.key}`;

function compare(rows: Row[], other: (row: Row) => number | null): Comparison {
	const both = rows.flatMap((row) => {
		const value = other(row);
		return row.mean === null || value === null ? [] : [{ row, here: row.mean, other: value }];
	});
	const typical = median(both.map((pair) => pair.here / pair.other));
	return {
		pairs: both.map((pair) => ({ ...pair, relative: pair.here / pair.other / typical })),
		typical,
		onlyHere: rows.filter((row) => row.mean !== null).length - both.length,
		onlyThere: 0,
	};
}

export function compareDevices(rows: Row[], others: Row[]): Comparison {
	const there = new Map(others.flatMap((row) => row.mean === null ? [] : [[rowId(row), row.mean] as const]));
	const comparison = compare(rows, (row) => there.get(rowId(row)) ?? null);
	return { ...comparison, onlyThere: there.size - comparison.pairs.length };
}

export function compareArithmetic(rows: Row[]): Comparison {
	return compare(rows.filter((row) => row.macs !== null), (row) => row.macs);
}

export const BY: { name: string; of: (row: Row) => string | null }[] = [
	{ name: 'Kernel', of: (row) => row.kind === 'block' && row.kernel ? `${row.kernel} × ${row.kernel}` : null },
	{ name: 'Expand ratio', of: (row) => row.kind === 'block' && row.expand ? String(row.expand) : null },
	{ name: 'Place', of: (row) => row.place },
	{ name: 'Resolution', of: (row) => `${row.resolution} px` },
];

// In the order of the rows.
export function groups(pairs: Pair[], of: (row: Row) => string | null): Group[] {
	const lists = new Map<string, number[]>();
	for (const pair of pairs) {
		const name = of(pair.row);
		if (name === null) continue;
		const list = lists.get(name);
		if (list) list.push(pair.relative);
		else lists.set(name, [pair.relative]);
	}
	const all = [...lists].map(([name, list]) => ({ name, n: list.length, relative: median(list) }));
	const numbered = all.every(({ name }) => /^\d/.test(name));
	return numbered ? all.sort((a, b) => parseFloat(a.name) - parseFloat(b.name)) : all;
}
