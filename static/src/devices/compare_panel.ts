// Which blocks are slow here, against another device or against what their arithmetic suggests.
import { h } from '../dom';
import { count, milliseconds, shortName } from '../format';
import { ratioBar } from '../plot/bar';
import { scatter, type Mark } from '../plot/scatter';
import type { Row } from './table';
import { BY, groups, type Comparison, type Group } from './compare';

const NOTICEABLE = 1.1;
const SAID_MAX = 3;

const times = (ratio: number) => `${ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)} ×`;

const MARK_OF_KERNEL: Record<number, Mark> = { 3: 'circle', 5: 'square', 7: 'plus' };
const LEGEND: { mark: Mark; name: string }[] = [
	{ mark: 'circle', name: '3 × 3' }, { mark: 'square', name: '5 × 5' }, { mark: 'plus', name: '7 × 7' },
	{ mark: 'cross', name: 'others' },
];

// "7 × 7 kernels", "expand ratio 4", "stage 3", "28 px".
function groupName(by: string, group: Group): string {
	if (by === 'Kernel') return `${group.name} kernels`;
	return by === 'Expand ratio' ? `expand ratio ${group.name}` : group.name;
}

// What stands out, in words.
export function said(comparison: Comparison): string {
	const all = BY.flatMap(({ name, of }) =>
		groups(comparison.pairs, of).map((group) => ({ ...group, name: groupName(name, group) })));
	const list = (found: typeof all) =>
		found.slice(0, SAID_MAX).map(({ name, relative }) => `${name} (${times(relative)})`).join(', ');
	const slow = all.filter(({ relative }) => relative >= NOTICEABLE).sort((a, b) => b.relative - a.relative);
	const fast = all.filter(({ relative }) => relative <= 1 / NOTICEABLE).sort((a, b) => a.relative - b.relative);
	if (slow.length + fast.length === 0)
		return 'Nothing stands out: all kinds of blocks differ by the same factor.';
	return [slow.length ? `Relatively slow here: ${list(slow)}.` : '',
		fast.length ? `Relatively fast here: ${list(fast)}.` : '']
		.filter(Boolean).join(' ');
}

function groupTable(name: string, list: Group[], most: number): HTMLElement {
	return h('table', { class: 'ratios' }, h('caption', {}, name),
		h('tbody', {}, ...list.map((group) => h('tr', { 'data-group': group.name },
			h('th', { scope: 'row' }, group.name), h('td', {}, ratioBar(group.relative, most)),
			h('td', { class: 'number' }, times(group.relative))))));
}

function summaries(comparison: Comparison): HTMLElement {
	const all = BY.map(({ name, of }) => ({ name, list: groups(comparison.pairs, of) }));
	const lists = all.filter(({ list }) => list.length > 1);
	const most = Math.max(1.5, ...lists.flatMap(({ list }) =>
		list.map(({ relative }) => Math.max(relative, 1 / relative))));
	return h('div', { class: 'ratio-tables' }, ...lists.map(({ name, list }) => groupTable(name, list, most)));
}

const rowName = ({ resolution, place, kernel, expand }: Row) =>
	`${resolution} px, ${place}${kernel ? `, kernel ${kernel}` : ''}${expand ? `, expand ${expand}` : ''}`;

function chart(comparison: Comparison, here: string, against: string | null): HTMLElement {
	const points = comparison.pairs.map(({ row, here: y, other: x, relative }) => ({
		x, y, mark: MARK_OF_KERNEL[row.kernel ?? 0] ?? 'cross' as Mark,
		text: `${rowName(row)}: ${milliseconds(y)} here, `
			+ `${against ? `${milliseconds(x)} there` : `${count(x)} MACs`}, ${times(relative)}`,
	}));
	const present = new Set(points.map(({ mark }) => mark));
	return scatter(points, {
		label: against ? `Times on ${here} against those on ${against}`
			: `Times on ${here} against multiply-accumulates`,
		log: true,
		x: against ? { title: shortName(against), format: milliseconds }
			: { title: 'multiply-accumulates', format: count },
		y: { title: shortName(here), format: milliseconds },
		lines: [{ name: 'what is typical', y: (x) => x * comparison.typical }],
		legend: LEGEND.filter(({ mark }) => present.has(mark)),
	});
}

// against null: the blocks' arithmetic.
export function comparisonPanel(comparison: Comparison, here: string, against: string | null): HTMLElement {
	const { pairs, typical, onlyHere, onlyThere } = comparison;
	if (pairs.length === 0)
		return h('p', { class: 'muted' }, against ? `No entry of ${here} is in the table of ${against} too.`
			: 'The table has no blocks whose arithmetic is known.');
	const overall = against
		? `${here} takes ${times(typical)} as long as ${against}, as the median of ${pairs.length} entries `
			+ `that both have${onlyHere || onlyThere
				? `; ${onlyHere} are here alone, ${onlyThere} there alone` : ''}.`
		: `A block takes ${milliseconds(typical * 1e6)} for a million multiply-accumulates, as the median of `
			+ `${pairs.length}.`;
	return h('div', { class: 'comparison' },
		h('p', { class: 'finding' }, said(comparison)), h('p', { class: 'muted' }, overall),
		h('div', { class: 'comparison-parts' }, summaries(comparison), chart(comparison, here, against)));
}
