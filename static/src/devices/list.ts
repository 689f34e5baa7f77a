// The profiles that are stored, a page of them at a time.
import { ApiError } from '../api';
import { confirm } from '../dialog';
import { h, replace } from '../dom';
import { integer, RESOURCE } from '../format';
import { scroll } from '../tables';
import type { Session } from '../session';
import type { State } from '../state';
import { RESOURCES, type Profile, type ProfileSummary } from '../types';
import { entryCount, remove } from './store';

const PAGE = 12;
const HEAD = ['Device', 'Latency table', 'Limits', 'Revision', 'Stored'];

export interface List {
	element: HTMLElement;
	update(state: State, chosen: string | null): Promise<void>;
}

const when = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
export const moment = (text: string) => h('time', { datetime: text }, when.format(new Date(text)));

// The front of this device.
export const frontLink = (session: Session, name: string) =>
	session.store.link({ view: 'front', profile: name, x: null, limits: {}, zoom: null });

export function limitsText(profile: Profile): string {
	const { limits } = profile;
	const said = RESOURCES.flatMap((resource) => {
		const limit = limits?.[resource];
		const { short, format } = RESOURCE[resource];
		return limit === undefined ? [] : [`${short} ≤ ${format(limit)}`];
	});
	return said.join(', ') || 'none';
}

export function tableText(profile: Profile): string {
	const table = profile.latency_table;
	if (!table) return 'none';
	const resolutions = Object.keys(table.entries).length;
	return [table.dtype ?? 'float32',
		`${integer(entryCount(profile))} entries at ${resolutions} `
			+ (resolutions === 1 ? 'resolution' : 'resolutions'),
		table.runtime].filter(Boolean).join(', ');
}

class ProfileList implements List {
	private readonly body = h('tbody');
	private readonly filter = h('input', { type: 'search', 'aria-label': 'Devices whose names have',
		placeholder: 'Filter' });
	private readonly range = h('p', { class: 'muted', role: 'status' });
	private readonly back = h('button', { type: 'button', onClick: () => this.turn(-PAGE) }, 'Previous');
	private readonly on = h('button', { type: 'button', onClick: () => this.turn(PAGE) }, 'Next');
	private readonly said = h('p', { class: 'not-stored', role: 'alert', hidden: true });
	readonly element: HTMLElement;
	private all: ProfileSummary[] = [];
	private first = 0;
	private chosen: string | null = null;

	constructor(private readonly session: Session, private readonly onChanged: (name: string, gone: boolean) => void) {
		const head = HEAD.map((name) => h('th', { scope: 'col' }, name));
		const action = h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, 'Actions'));
		this.element = h('section', { class: 'card profiles', 'aria-labelledby': 'profiles-title' },
			h('div', { class: 'section-head' }, h('h3', { id: 'profiles-title' }, 'Profiles'), this.filter),
			this.said,
			scroll('The list of profiles', h('table', {}, h('thead', {}, h('tr', {}, ...head, action)),
				this.body)),
			h('div', { class: 'pager' }, this.range, h('div', { class: 'buttons' }, this.back, this.on)));
		this.filter.addEventListener('input', () => { this.first = 0; this.show(); });
	}

	async update(_state: State, chosen: string | null): Promise<void> {
		const all = await this.session.profiles();
		if (chosen !== this.chosen) {
			const at = all.findIndex((profile) => profile.name === chosen);
			if (at >= 0 && this.filter.value === '') this.first = at - at % PAGE;
		}
		this.all = all;
		this.chosen = chosen;
		this.show();
	}

	private turn(by: number): void {
		this.first += by;
		this.show();
	}

	private show(): void {
		const wanted = this.filter.value.trim().toLowerCase();
		const found = this.all.filter((profile) => profile.name.toLowerCase().includes(wanted));
		if (this.first >= found.length) this.first = Math.max(0, found.length - 1 - (found.length - 1) % PAGE);
		const page = found.slice(this.first, this.first + PAGE);
		this.filter.hidden = this.all.length <= PAGE;
		this.back.disabled = this.first === 0;
		this.on.disabled = this.first + PAGE >= found.length;
		this.back.hidden = this.on.hidden = found.length <= PAGE;
		this.range.textContent = found.length <= PAGE ? `${found.length} of ${this.all.length}`
			: `${this.first + 1} to ${this.first + page.length} of ${integer(found.length)}`;
		replace(this.body, ...page.map((profile) => this.row(profile)));
		if (page.length === 0) replace(this.body, h('tr', {}, h('td', { colspan: 6, class: 'muted' },
			this.all.length ? 'No device has such a name.' : 'There is none yet: upload one.')));
	}

	private row(summary: ProfileSummary): HTMLElement {
		const { name, revision, created_at: created, updated_at: updated } = summary;
		const { store } = this.session;
		const table = h('td', {}, '…'), limits = h('td', {}, '…');
		this.session.profile(name).then((profile) => {
			table.textContent = tableText(profile);
			limits.textContent = limitsText(profile);
		}, (error: unknown) => { table.textContent = error instanceof Error ? error.message : 'unknown'; });
		const stored = h('td', {}, moment(updated));
		if (updated !== created) stored.append(h('span', { class: 'muted' }, ' since ', moment(created)));
		return h('tr', { class: name === this.chosen ? 'chosen' : null },
			h('th', { scope: 'row' }, h('a', { href: store.link({ device: name }),
				'aria-current': name === this.chosen ? 'true' : null }, name)),
			table, limits, h('td', { class: 'number' }, revision), stored,
			h('td', {}, h('div', { class: 'buttons' },
				h('a', { class: 'button', href: frontLink(this.session, name),
					'aria-label': `Front of ${name}` }, 'Front'),
				h('button', { type: 'button', class: 'danger', 'aria-label': `Delete ${name}`,
					onClick: () => void this.remove(summary) },
					'Delete'))));
	}

	private async remove(summary: ProfileSummary): Promise<void> {
		const { name } = summary;
		this.said.hidden = true;
		const text = 'The name stands for nothing afterwards. Its revisions stay readable, and packages that '
			+ 'were delivered stay.';
		if (!await confirm({ title: `Delete ${name}?`, text, action: 'Delete it', destructive: true })) return;
		try {
			await remove(this.session, summary);
			this.onChanged(name, true);
		} catch (error) {
			const changed = error instanceof ApiError && (error.status === 412 || error.status === 404);
			this.said.hidden = false;
			this.said.textContent = error instanceof ApiError && error.status === 412
				? `${name} has changed meanwhile, and was not deleted: look at what it is now.`
				: error instanceof Error ? error.message : String(error);
			if (changed) this.onChanged(name, error.status === 404);
		}
	}
}

// onChanged: a profile is not what the list said it is; gone: it is no more.
export function createList(session: Session, onChanged: (name: string, gone: boolean) => void): List {
	return new ProfileList(session, onChanged);
}
