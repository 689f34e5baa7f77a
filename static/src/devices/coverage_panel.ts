// For each network how much of what it needs a table has.
import { h } from '../dom';
import { integer } from '../format';
import { bar } from '../plot/bar';
import { headings, scroll } from '../tables';
import type { Session } from '../session';
import type { Profile } from '../types';
import { coverageOf, type Coverage } from './coverage';

const LISTED_MAX = 500;

const percent = (part: number, of: number) => of === 0 ? '–' : `${Math.floor(1000 * part / of) / 10} %`;

function missingList(coverage: Coverage): HTMLElement | null {
	const { resolution, missing } = coverage;
	if (missing.length === 0) return null;
	const listed = missing.slice(0, LISTED_MAX);
	return h('details', {},
		h('summary', {}, `${integer(missing.length)} missing at ${resolution} px`),
		h('ul', { class: 'keys' }, ...listed.map((key) => h('li', {}, h('code', {}, key)))),
		missing.length > listed.length && h('p', { class: 'muted' },
			`and ${integer(missing.length - listed.length)} more`));
}

function row(coverage: Coverage): HTMLElement {
	const { resolution, needed, present, unused } = coverage;
	return h('tr', {},
		h('th', { scope: 'row' }, `${resolution} px`),
		h('td', {}, bar(needed ? present / needed : 0, present === needed ? 'good' : 'partial')),
		h('td', { class: 'number' }, percent(present, needed)),
		h('td', { class: 'number' }, needed ? `${integer(present)} of ${integer(needed)}`
			: 'not of this network'),
		h('td', { class: 'number' }, integer(unused)));
}

// A server takes a table that is complete at each resolution that it shares with the network.
function verdict(rows: Coverage[]): string {
	const shared = rows.filter((r) => r.needed > 0 && r.present > 0);
	const absent = rows.filter((r) => r.needed > 0 && r.present === 0);
	const partial = shared.filter((r) => r.missing.length > 0);
	if (shared.length === 0) return 'The table tells nothing of this network.';
	if (partial.length > 0) return 'Latency is not predicted: entries are missing.';
	const sizes = (list: Coverage[]) => list.map((r) => r.resolution).join(', ');
	return absent.length === 0 ? 'Complete: every subnet has a predicted latency.'
		: `Complete at ${sizes(shared)} px; subnets at ${sizes(absent)} px have no predicted latency.`;
}

async function ofNetwork(session: Session, profile: Profile, name: string): Promise<HTMLElement> {
	const rows = coverageOf(profile, await session.latencyKeys(name));
	const head = ['Images', 'Covered', 'Percent', 'Entries', 'Unused'];
	return h('div', { class: 'coverage-network', 'data-network': name },
		h('h4', {}, name), h('p', {}, verdict(rows)),
		scroll(`Coverage of ${name}`, h('table', {},
			headings(head, 2),
			h('tbody', {}, ...rows.map(row)))),
		...rows.map(missingList));
}

export async function coveragePanel(session: Session, profile: Profile): Promise<HTMLElement> {
	const section = h('section', { class: 'card coverage', 'aria-labelledby': 'coverage-title' },
		h('h3', { id: 'coverage-title' }, 'Coverage'));
	if (!profile.latency_table) {
		section.append(h('p', { class: 'muted' },
			'This profile has limits only, and no latency table that could cover anything.'));
		return section;
	}
	const networks = await session.networks();
	section.append(...await Promise.all(networks.map(({ name }) => ofNetwork(session, profile, name))));
	return section;
}
