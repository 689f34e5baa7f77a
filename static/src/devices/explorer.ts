// The rows of a latency table, sorted and filtered, with what they take against another device.
import { max } from 'd3-array';
import { h, replace } from '../dom';
import { integer, milliseconds } from '../format';
import { bar } from '../plot/bar';
import { scroll } from '../tables';
import type { Pair } from './compare';
import type { Row } from './table';

const PAGE = 50;
const LARGEST_FIRST = new Set(['mean', 'relative', 'std', 'count']);

interface Column {
	name: string;
	numeric?: boolean;
	value: (row: Row, pair: Pair | undefined) => number | string | null; // null goes last
}

type Named = Column & { id: string };

const COLUMNS: Named[] = [
	{ id: 'place', name: 'Place', value: (row) => row.order },
	{ id: 'resolution', name: 'Images', numeric: true, value: (row) => row.resolution },
	{ id: 'input', name: 'Input', value: (row) => row.input[0] * 1e5 + row.input[1] },
	{ id: 'output', name: 'Output', value: (row) => row.output[0] * 1e5 + row.output[1] },
	{ id: 'kernel', name: 'Kernel', numeric: true, value: (row) => row.kernel },
	{ id: 'expand', name: 'Expand', numeric: true, value: (row) => row.expand },
	{ id: 'mean', name: 'Mean', numeric: true, value: (row) => row.mean },
	{ id: 'relative', name: 'Relative', numeric: true, value: (_row, pair) => pair?.relative ?? null },
	{ id: 'std', name: 'Std', numeric: true, value: (row) => row.std },
	{ id: 'count', name: 'Runs', numeric: true, value: (row) => row.count },
];

const FILTERS: { name: string; of: (row: Row) => string | null }[] = [
	{ name: 'Images', of: (row) => `${row.resolution} px` },
	{ name: 'Place', of: (row) => row.place },
	{ name: 'Kernel', of: (row) => row.kernel === null ? null : `${row.kernel} × ${row.kernel}` },
	{ name: 'Expand', of: (row) => row.expand === null ? null : String(row.expand) },
];

const shape = ([size, channels]: [number, number]) => `${size} × ${size} × ${channels}`;

export class Explorer {
	readonly element: HTMLElement;
	private readonly body = h('tbody');
	private readonly range = h('p', { class: 'muted', role: 'status' });
	private readonly back = h('button', { type: 'button', onClick: () => this.turn(-PAGE) }, 'Previous rows');
	private readonly on = h('button', { type: 'button', onClick: () => this.turn(PAGE) }, 'Next rows');
	private readonly search = h('input', { type: 'search', 'aria-label': 'Keys that have', placeholder: 'Key' });
	private readonly selects: HTMLSelectElement[];
	private readonly heads: HTMLElement[];
	private readonly longest: number;
	private sorted = { id: 'place', down: false };
	private first = 0;

	constructor(private readonly rows: Row[], private readonly pairs: Map<Row, Pair>) {
		this.longest = max(rows, (row) => row.mean ?? 0) ?? 0;
		this.selects = FILTERS.map(({ of }) => h('select', { onChange: () => this.restart() },
			h('option', { value: '' }, 'all'),
			...[...new Set(rows.map(of))].flatMap((value) => value === null ? []
				: [h('option', { value }, value)])));
		this.heads = COLUMNS.map((column) => h('th', { scope: 'col', class: column.numeric ? 'number' : null },
			h('button', { type: 'button', class: 'sort', onClick: () => this.sort(column.id) },
				column.name)));
		this.search.addEventListener('input', () => this.restart());
		this.element = h('div', { class: 'explorer' },
			h('div', { class: 'filters' },
				...this.selects.map((select, i) =>
					h('label', { class: 'field' }, h('span', {}, FILTERS[i]?.name), select)),
				this.search),
			scroll('The latency table', h('table', {}, h('thead', {}, h('tr', {}, ...this.heads)),
				this.body)),
			h('div', { class: 'pager' }, this.range, h('div', { class: 'buttons' }, this.back, this.on)));
		this.show();
	}

	private restart(): void {
		this.first = 0;
		this.show();
	}

	private turn(by: number): void {
		this.first += by;
		this.show();
	}

	// Numbers begin with the largest, which is what one looks for.
	private sort(id: string): void {
		const same = this.sorted.id === id;
		this.sorted = { id, down: same ? !this.sorted.down : LARGEST_FIRST.has(id) };
		this.restart();
	}

	private wanted(): Row[] {
		const text = this.search.value.trim().toLowerCase();
		const found = this.rows.filter((row) => row.key.toLowerCase().includes(text)
			&& FILTERS.every(({ of }, i) => !this.selects[i]?.value || of(row) === this.selects[i]?.value));
		const column = COLUMNS.find(({ id }) => id === this.sorted.id);
		if (!column || (this.sorted.id === 'place' && !this.sorted.down)) return found;
		const sign = this.sorted.down ? -1 : 1;
		const keyed = found.map((row) => ({ row, value: column.value(row, this.pairs.get(row)) }));
		keyed.sort((a, b) => {
			if (a.value === null || b.value === null)
				return Number(a.value === null) - Number(b.value === null);
			return a.value < b.value ? -sign : a.value > b.value ? sign : 0;
		});
		return keyed.map(({ row }) => row);
	}

	private show(): void {
		const rows = this.wanted(), page = rows.slice(this.first, this.first + PAGE);
		const grouped = this.sorted.id === 'place';
		let group = '';
		const elements = page.flatMap((row) => {
			const name = `${row.resolution} px, ${row.place}`, begins = grouped && name !== group;
			group = name;
			return [...(begins ? [h('tr', { class: 'group' },
				h('th', { colspan: COLUMNS.length, scope: 'rowgroup' }, name))] : []), this.row(row)];
		});
		replace(this.body, ...elements);
		this.heads.forEach((head, i) => {
			if (COLUMNS[i]?.id === this.sorted.id)
				head.setAttribute('aria-sort', this.sorted.down ? 'descending' : 'ascending');
			else head.removeAttribute('aria-sort');
		});
		this.range.textContent = rows.length === 0 ? 'No such rows'
			: `Rows ${integer(this.first + 1)} to ${integer(this.first + page.length)} `
				+ `of ${integer(rows.length)}`;
		this.back.disabled = this.first === 0;
		this.on.disabled = this.first + PAGE >= rows.length;
	}

	private row(row: Row): HTMLElement {
		const relative = this.pairs.get(row)?.relative;
		const number = (text: string | number | null) => h('td', { class: 'number' }, text ?? '–');
		return h('tr', { title: row.key, 'data-key': row.key },
			h('td', {}, row.place), number(row.resolution), h('td', {}, shape(row.input)),
			h('td', {}, shape(row.output)),
			number(row.kernel), number(row.expand),
			row.mean === null
				? h('td', { class: 'muted included', title: `in ${row.includedIn}` }, 'in another')
				: h('td', { class: 'number mean' },
					bar(row.mean / this.longest), ' ', milliseconds(row.mean)),
			h('td', { class: relative !== undefined && relative >= 1.25 ? 'number slow' : 'number' },
				relative === undefined ? '–' : `${relative.toFixed(2)} ×`),
			number(row.std === null ? null : milliseconds(row.std)),
			number(row.count === null ? null : integer(row.count)));
	}
}
