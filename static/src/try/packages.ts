// Packages from the server, loaded into the engine: each once, and the last few kept.
import type { Api } from '../api';
import type { Job, SubnetRequest } from '../types';
import type { Engine } from './engine';
import type { PackageInfo } from './protocol';

export interface Loaded {
	id: string;
	bytes: number;
	info: PackageInfo;
}

const KEPT_MAX = 8, ASKED_MAX = 64; // packages; bodies whose answers are known
const TYPE = 'application/vnd.ofa.subnet';
const POLL_S = 1;

const pause = (s: number) => new Promise((resolve) => setTimeout(resolve, s * 1000));

export class Packages {
	private readonly asked = new Map<string, Promise<Loaded>>();
	private readonly loaded = new Map<string, Promise<Loaded>>(); // by id, the least recently used first

	private readonly ending = new AbortController();

	constructor(private readonly api: Api, private readonly engine: Engine) {}

	// Nothing more is fetched or waited for.
	close(): void {
		this.ending.abort();
	}

	// The subnet that POST /subnets delivers for this body, ready to be run under its id.
	get(body: SubnetRequest): Promise<Loaded> {
		const key = JSON.stringify(body), found = this.asked.get(key);
		const promise = found ?? this.fetch(body);
		this.asked.delete(key);
		this.asked.set(key, promise);
		const oldest = this.asked.keys().next();
		if (this.asked.size > ASKED_MAX && !oldest.done) this.asked.delete(oldest.value);
		if (!found) promise.catch(() => this.asked.delete(key));
		promise.then(({ id }) => this.use(id), () => undefined);
		return promise;
	}

	private use(id: string): void {
		const promise = this.loaded.get(id);
		if (!promise) return;
		this.loaded.delete(id);
		this.loaded.set(id, promise);
	}

	private async fetch(body: SubnetRequest): Promise<Loaded> {
		let response = await this.api.fetch('subnets', { body, accept: TYPE, signal: this.ending.signal });
		if (response.status === 202) response = await this.wait(response);
		const id = /[0-9a-f]{64}/.exec(response.headers.get('Content-Location') ?? response.url)?.[0];
		if (!id) throw new Error('the server does not say what it delivered');
		const found = this.loaded.get(id);
		if (found) return found;
		const promise = response.arrayBuffer().then(async (data): Promise<Loaded> =>
			({ id, bytes: data.byteLength, info: await this.engine.load(id, data) }));
		this.loaded.set(id, promise);
		promise.catch(() => this.loaded.delete(id));
		this.makeRoom();
		return promise;
	}

	// A job, until it is done; then the package.
	private async wait(accepted: Response): Promise<Response> {
		const job = accepted.headers.get('Location')?.replace(/^\//, '');
		if (!job) throw new Error('the server accepted the job and does not name it');
		const { signal } = this.ending;
		for (;;) {
			const { state, error, links, poll_after_s } = await this.api.json<Job>(job, { signal });
			const subnet = links['subnet'];
			if (subnet) return this.api.fetch(subnet.replace(/^\//, ''), { accept: TYPE, signal });
			if (state === 'failed' || state === 'cancelled')
				throw new Error(error?.detail ?? error?.title ?? `the job was ${state}`);
			await pause(poll_after_s ?? POLL_S);
		}
	}

	private makeRoom(): void {
		for (const [id] of this.loaded) {
			if (this.loaded.size <= KEPT_MAX) return;
			this.loaded.delete(id);
			this.engine.drop(id);
			for (const [key, promise] of this.asked)
				promise.then((p) => p.id === id && this.asked.delete(key), () => undefined);
		}
	}
}
