// One device: what it is, whether its table covers the networks, what is slow on it, and what devices say of it.
import { ApiError, path } from '../api';
import { h, replace } from '../dom';
import { bytes } from '../format';
import { fileLink } from '../fetched';
import { headings, scroll } from '../tables';
import type { Session } from '../session';
import type { State } from '../state';
import type { Network, Profile } from '../types';
import type { components } from '../openapi';
import { calibrationPanel } from './calibration_panel';
import { compareArithmetic, compareDevices } from './compare';
import { comparisonPanel } from './compare_panel';
import { coveragePanel } from './coverage_panel';
import { Explorer } from './explorer';
import { frontLink, limitsText, moment, tableText } from './list';
import { readTable } from './table';

type Revision = components['schemas']['ProfileRevision'];

function revisionTable(
	session: Session, revisions: Revision[], more: boolean, file: (revision: number) => string,
): HTMLElement {
	return h('details', {},
		h('summary', {}, more ? `The last ${revisions.length} revisions` : revisions.length === 1 ? '1 revision'
			: `${revisions.length} revisions`),
		scroll('Revisions', h('table', {},
			headings(['Revision', 'Stored', 'By', 'Size'], 3),
			h('tbody', {}, ...revisions.map((revision) => h('tr', {},
				h('th', { scope: 'row' }, fileLink(session, (revision.links['self'] ?? '').replace(/^\//, ''), file(revision.revision), {},
					String(revision.revision))),
				h('td', {}, moment(revision.created_at)),
				h('td', {}, revision.author ?? 'anybody'),
				h('td', { class: 'number' }, bytes(revision.size_bytes))))))));
}

async function facts(session: Session, name: string, profile: Profile): Promise<HTMLElement> {
	const response = await session.api.fetch(path`profiles/${name}/revisions` + '?limit=100',
		{ accept: 'application/json' });
	const { revisions } = (await response.json()) as { revisions: Revision[] };
	const file = (revision?: number) => `${name.replaceAll('/', '-')}${revision ? `-${revision}` : ''}.json`;
	return h('section', { class: 'card device-facts', 'aria-labelledby': 'device-title' },
		h('h3', { id: 'device-title' }, name),
		profile.description && h('p', {}, profile.description),
		h('dl', {}, h('dt', {}, 'Latency table'), h('dd', {}, tableText(profile)), h('dt', {}, 'Limits'),
			h('dd', {}, limitsText(profile))),
		h('div', { class: 'buttons' },
			h('a', { class: 'button primary', href: frontLink(session, name) }, 'See it on the front'),
			fileLink(session, path`profiles/${name}`, file(), { class: 'button', download: file() }, 'Download it')),
		revisionTable(session, revisions, response.headers.has('Link'), file));
}

// Against which device; none is against the arithmetic.
async function againstField(session: Session, name: string, against: string | null): Promise<HTMLElement> {
	const profiles = await session.profiles();
	const choose = () => session.store.set({ against: select.value || null });
	const select: HTMLSelectElement = h('select', { name: 'against', onChange: choose },
		h('option', { value: '' }, 'its own multiply-accumulates'),
		...profiles.filter((profile) => profile.name !== name).map((profile) =>
			h('option', { value: profile.name, selected: profile.name === against }, profile.name)));
	return h('label', { class: 'field' }, h('span', {}, 'Compared with'), select);
}

async function tableSection(
	session: Session, name: string, profile: Profile, network: Network, against: string | null,
	other: Profile | null,
): Promise<HTMLElement> {
	const rows = readTable(profile, network.space);
	const comparison = other ? compareDevices(rows, readTable(other, network.space)) : compareArithmetic(rows);
	const types = [profile, other].map((p) => p?.latency_table?.dtype ?? 'float32');
	return h('section', { class: 'card table', 'aria-labelledby': 'table-title' },
		h('div', { class: 'section-head' }, h('h3', { id: 'table-title' }, 'What takes the time'),
			await againstField(session, name, against)),
		other && types[0] !== types[1] && h('p', { class: 'muted' },
			`These are times of ${types[0]} packages here and of ${types[1]} there.`),
		comparisonPanel(comparison, name, against),
		new Explorer(rows, new Map(comparison.pairs.map((pair) => [pair.row, pair]))).element);
}

const isMissing = (error: unknown) => error instanceof ApiError && (error.status === 404 || error.status === 422);

export interface Detail {
	element: HTMLElement;
	update(state: State, name: string | null, current: () => boolean): Promise<void>;
}

export function createDetail(session: Session): Detail {
	const top = h('div', { class: 'detail-top' }), table = h('div');
	const element = h('div', { class: 'detail' }, top, table);
	let shown: Profile | null = null, shownTable: unknown[] = [];

	const show = async (state: State, name: string, current: () => boolean) => {
		const against = state.against === name ? null : state.against;
		const [profile, network, other] = await Promise.all([
			session.profile(name), session.network(state.network),
			against ? session.profile(against) : null,
		]);
		if (profile !== shown) {
			const panels = await Promise.all([facts(session, name, profile),
				coveragePanel(session, profile), calibrationPanel(session, name)]);
			if (!current()) return;
			shown = profile;
			replace(top, ...panels);
		}
		const what = [profile, network, other];
		if (what.every((part, i) => part === shownTable[i])) return;
		const section = profile.latency_table
			? await tableSection(session, name, profile, network, against, other) : null;
		if (!current()) return;
		shownTable = what;
		replace(table, section);
	};
	const clear = (text: string) => {
		shown = null;
		shownTable = [];
		replace(table);
		replace(top, h('p', { class: 'muted' }, text));
	};
	return {
		element,
		async update(state, name, current) {
			if (!name) return clear('Choose a device to see its table.');
			try {
				await show(state, name, current);
			} catch (error) {
				if (!isMissing(error)) throw error;
				if (current()) clear(error instanceof Error ? error.message : String(error));
			}
		},
	};
}
