// The fronts as a table: the same points for those who read rather than look.
import { h, replace } from '../dom';
import { accuracy, value } from '../format';
import { RESOURCES, type ParetoPoint, type Resource } from '../types';
import { nameOf } from './describe';
import { sameTarget, type Target } from './fronts';
import { accuracyOf, type Front, type Published, type Scene } from './model';

export interface TableEvents {
	onHover(target: Target | null): void;
	onChoose(point: ParetoPoint): void;
}

export interface FrontTable {
	element: HTMLElement;
	show(scene: Scene): void;
	press(chosen: string | null): void; // the arch as JSON
	highlight(target: Target | null): void;
}

interface Row {
	target: Target;
	element: HTMLTableRowElement;
	button: HTMLButtonElement | null;
}

const known = (resource: Resource, v: number) => (Number.isNaN(v) ? '' : value(resource, v));
const number = (text: string) => h('td', { class: 'number' }, text);

export function createTable(events: TableEvents): FrontTable {
	const body = h('tbody'), head = h('tr');
	const summary = h('summary', {}, 'The front as a table');
	const scroll = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'The front as a table' },
		h('table', {}, h('thead', {}, head), body));
	const element = h('details', { class: 'card front-table' }, summary, scroll);
	let rows: Row[] = [];

	const hovering = (row: Row) => {
		row.element.addEventListener('pointerenter', () => events.onHover(row.target));
		row.element.addEventListener('pointerleave', () => events.onHover(null));
		row.element.addEventListener('focusin', () => events.onHover(row.target));
		row.element.addEventListener('focusout', () => events.onHover(null));
		return row;
	};
	const pointRow = (front: Front, point: ParetoPoint, several: boolean): Row => {
		const button = h('button', { type: 'button', 'aria-pressed': 'false',
			'aria-label': `Choose the subnet of ${accuracy(accuracyOf(point))}`,
			onClick: () => events.onChoose(point) }, 'Choose');
		return hovering({
			target: { kind: 'point', front, point }, button,
			element: h('tr', {}, several && h('td', {}, front.device ?? ''), number(accuracy(accuracyOf(point))),
				...RESOURCES.map((resource) => number(value(resource, point[resource]))),
				number(`${point.arch.image_size} px`), h('td', {}, button)),
		});
	};
	const publishedRow = (published: Published, several: boolean): Row => hovering({
		target: { kind: 'published', published }, button: null,
		element: h('tr', { class: 'published' }, several && h('td', {}), number(accuracy(published.accuracy)),
			...RESOURCES.map((resource) => number(known(resource, published.values[resource]))),
			h('td', { colspan: 2 }, `${published.name}: ${published.source}`)),
	});
	return {
		element,
		show(scene) {
			const several = scene.fronts.length > 1;
			replace(head, several && h('th', { scope: 'col' }, 'Device'),
				...['Accuracy', ...RESOURCES.map(nameOf), 'Image']
					.map((name) => h('th', { scope: 'col', class: 'number' }, name)),
				h('td', {}));
			rows = [
				...scene.fronts.flatMap((front) => front.points.map((point) => pointRow(front, point, several))),
				...scene.published.map((published) => publishedRow(published, several)),
			];
			replace(body, ...rows.map((row) => row.element));
			summary.textContent = `The front as a table (${rows.length} points)`;
			element.hidden = !rows.length;
		},
		press(chosen) {
			for (const { target, element: row, button } of rows) {
				const pressed = target.kind === 'point' && JSON.stringify(target.point.arch) === chosen;
				row.classList.toggle('chosen', pressed);
				button?.setAttribute('aria-pressed', String(pressed));
			}
		},
		highlight(target) {
			for (const row of rows) row.element.classList.toggle('lit', sameTarget(row.target, target));
			const lit = element.open ? rows.find((row) => sameTarget(row.target, target)) : undefined;
			if (lit) scroll.scrollTop = lit.element.offsetTop - scroll.clientHeight / 2;
		},
	};
}
