// What the page shows, all of it in the URL: #VIEW?name=value&..
import { DTYPES, RESOURCES, type Arch, type Dtype, type Limits, type Resource } from './types';

export const VIEWS = ['front', 'point', 'try', 'devices', 'cost'] as const;
export type ViewName = (typeof VIEWS)[number];

export interface State {
	view: ViewName;
	network: string | null;  // null: the first one
	profile: string | null;  // whose latencies are meant
	overlays: string[];      // further devices on the front
	dtype: Dtype;
	x: Resource | null;      // null: latency where it is known, else MACs
	limits: Limits;          // of the search
	arch: Arch | null;       // the chosen subnet; null: the best within the limits
	pinned: Arch | null;     // to compare with
	zoom: [number, number, number, number] | null; // x0, x1, y0, y1 of the front, in the API's units
	samples: number | null;  // points of the cloud; null: as many as are asked for by default
	tried: string | null;    // which subnet the try view runs
	drawing: string | null;  // and on which drawing; null: the first
	device: string | null;   // of the devices view
	against: string | null;  // compared there
	devices: number | null;  // of the cost view
}

export const INITIAL: State = {
	view: 'front', network: null, profile: null, overlays: [], dtype: 'float32', x: null, limits: {}, arch: null,
	pinned: null, zoom: null, samples: null, tried: null, drawing: null, device: null, against: null, devices: null,
};

const LISTED_MAX = 8;
export const SAMPLES = { default: 20000, max: 50000 } as const;
const URL_DELAY_MS = 250;

function parseArch(text: string | null): Arch | null {
	if (!text) return null;
	try {
		const value: unknown = JSON.parse(text);
		return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Arch) : null;
	} catch {
		return null;
	}
}

function parseLimits(query: URLSearchParams): Limits {
	const limits: Limits = {};
	for (const resource of RESOURCES) {
		const value = Number(query.get(resource));
		if (Number.isFinite(value) && value > 0) limits[resource] = value;
	}
	return limits;
}

function parseZoom(text: string | null): State['zoom'] {
	const [x0, x1, y0, y1] = (text ?? '').split(',').map(Number);
	if (x0 === undefined || x1 === undefined || y0 === undefined || y1 === undefined) return null;
	return x0 < x1 && y0 < y1 ? [x0, x1, y0, y1] : null;
}

// What is put into a URL's path: a part of dots would lead elsewhere.
const parseName = (text: string | null) => !text || text.split('/').some((part) => /^\.*$/.test(part)) ? null : text;

const oneOf = <T extends string>(list: readonly T[], text: string | null): T | null =>
	list.find((item) => item === text) ?? null;

// Whatever a link holds that cannot be is as if it were not there.
export function parseState(hash: string): State {
	const [view, query] = hash.replace(/^#/, '').split('?', 2);
	const q = new URLSearchParams(query ?? '');
	const devices = Number(q.get('devices')), samples = Number(q.get('samples'));
	return {
		view: oneOf(VIEWS, view ?? null) ?? INITIAL.view,
		network: parseName(q.get('network')),
		profile: parseName(q.get('profile')),
		overlays: [...new Set(q.getAll('overlay'))].filter((name) => parseName(name)).slice(0, LISTED_MAX),
		dtype: oneOf(DTYPES, q.get('dtype')) ?? INITIAL.dtype,
		x: oneOf(RESOURCES, q.get('x')),
		limits: parseLimits(q),
		arch: parseArch(q.get('arch')),
		pinned: parseArch(q.get('pinned')),
		zoom: parseZoom(q.get('zoom')),
		samples: Number.isInteger(samples) && samples > 0 ? Math.min(samples, SAMPLES.max) : null,
		tried: q.get('tried') || null,
		drawing: q.get('drawing') || null,
		device: parseName(q.get('device')),
		against: parseName(q.get('against')),
		devices: Number.isInteger(devices) && devices > 0 && devices <= 1e12 ? devices : null,
	};
}

// 6 digits are more than any of these numbers mean.
const brief = (n: number) => String(Number(n.toPrecision(6)));

export function formatState(state: State): string {
	const q = new URLSearchParams();
	const put = (name: string, value: string | null) => value && q.append(name, value);
	put('network', state.network);
	put('profile', state.profile);
	for (const name of state.overlays) put('overlay', name);
	if (state.dtype !== INITIAL.dtype) put('dtype', state.dtype);
	put('x', state.x);
	for (const resource of RESOURCES) {
		const limit = state.limits[resource];
		if (limit !== undefined) put(resource, brief(limit));
	}
	put('arch', state.arch && JSON.stringify(state.arch));
	put('pinned', state.pinned && JSON.stringify(state.pinned));
	put('zoom', state.zoom && state.zoom.map(brief).join());
	put('samples', state.samples === null ? null : String(state.samples));
	put('tried', state.tried);
	put('drawing', state.drawing);
	put('device', state.device);
	put('against', state.against);
	put('devices', state.devices === null ? null : String(state.devices));
	const query = q.toString();
	return `#${state.view}${query ? `?${query}` : ''}`;
}

// As whoever follows the link has it, so that both ask the server the same.
const linked = (state: State) => parseState(formatState(state));

export type Changed = ReadonlySet<keyof State>;

// Holds the state, keeps the URL equal to it and tells of changes, also those that the browser's buttons make.
export class Store {
	private current: State;
	private readonly listeners = new Set<(state: State, changed: Changed) => void>();
	private late: number | null = null; // the timer that writes the URL

	constructor() {
		this.current = linked(parseState(location.hash));
		addEventListener('hashchange', () => {
			this.cancel();
			this.become(linked(parseState(location.hash)));
		});
		addEventListener('pagehide', () => this.flush());
	}

	get state(): State {
		return this.current;
	}

	// replace: no step back in the browser's history (while something is dragged).  The URL then follows a moment later:
	// browsers refuse to have it written for every move.
	set(patch: Partial<State>, options: { replace?: boolean } = {}): void {
		const next = { ...this.current, ...patch };
		const hash = formatState(next);
		if (hash === formatState(this.current)) return;
		if (options.replace) {
			this.late ??= setTimeout(() => this.flush(), URL_DELAY_MS);
		} else {
			this.flush();
			history.pushState(null, '', hash);
		}
		this.become(parseState(hash));
	}

	// Tells of a change of what the server holds: nothing of the state is another.
	announce(): void {
		for (const listener of [...this.listeners]) listener(this.current, new Set());
	}

	// The link to the state with changes.
	link(patch: Partial<State>): string {
		return formatState({ ...this.current, ...patch });
	}

	subscribe(listener: (state: State, changed: Changed) => void): () => void {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}

	private flush(): void {
		if (this.late === null) return;
		this.cancel();
		history.replaceState(null, '', formatState(this.current));
	}

	private cancel(): void {
		if (this.late !== null) clearTimeout(this.late);
		this.late = null;
	}

	private become(next: State): void {
		const before = this.current;
		const changed = new Set<keyof State>();
		for (const key of Object.keys(next) as (keyof State)[])
			if (JSON.stringify(next[key]) !== JSON.stringify(before[key])) changed.add(key);
		this.current = next;
		if (changed.size) for (const listener of [...this.listeners]) listener(next, changed);
	}
}
