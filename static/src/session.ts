// What the views share: the server's answers, each asked for once, and the subnet that is chosen.
import { Api, ApiError, path, query, type Problem } from './api';
import { parseSamples, type Samples } from './samples';
import { Store, type State } from './state';
import type {
	Answer, Arch, Dtype, Network, Pareto, Plan, Profile, ProfileSummary, Resource, SigningKey, SubnetRequest,
} from './types';

const KEPT_MAX = 64;

// Promises by key; the least recently used go first.  What failed is asked for again.
class Memo {
	private readonly kept = new Map<string, Promise<unknown>>();

	get<T>(key: string, make: () => Promise<T>): Promise<T> {
		const found = this.kept.get(key) as Promise<T> | undefined;
		const promise = found ?? make();
		this.kept.delete(key);
		this.kept.set(key, promise);
		if (!found) promise.catch(() => this.kept.get(key) === promise && this.kept.delete(key));
		const oldest = this.kept.keys().next();
		if (this.kept.size > KEPT_MAX && !oldest.done) this.kept.delete(oldest.value);
		return promise;
	}

	forget(prefix: string): void {
		for (const key of [...this.kept.keys()]) if (key.startsWith(prefix)) this.kept.delete(key);
	}
}

// What is known of the subnet that the state means.
export type Chosen =
	| { kind: 'found'; answer: Answer }
	| { kind: 'refused'; problem: Problem }; // no subnet keeps the limits, or the arch is none

export class Session {
	private readonly memo = new Memo();

	constructor(readonly api: Api, readonly store: Store) {}

	networks(): Promise<{ name: string }[]> {
		return this.memo.get('networks', async () =>
			(await this.api.json<{ networks: { name: string }[] }>('networks')).networks);
	}

	// By the state's name, or the first.
	async network(name: string | null): Promise<Network> {
		const wanted = name ?? (await this.networks())[0]?.name;
		if (!wanted) throw new Error('the server holds no network');
		return this.memo.get(`network ${wanted}`, () => this.api.json<Network>(path`networks/${wanted}`));
	}

	// All pages.
	profiles(): Promise<ProfileSummary[]> {
		return this.memo.get('profiles', async () => {
			const all: ProfileSummary[] = [];
			let next: string | null = 'profiles?limit=1000';
			while (next) {
				const response: Response = await this.api.fetch(next, { accept: 'application/json' });
				all.push(...((await response.json()) as { profiles: ProfileSummary[] }).profiles);
				next = /<([^>]+)>;\s*rel="?next/.exec(response.headers.get('Link') ?? '')?.[1] ?? null;
			}
			return all;
		});
	}

	profile(name: string): Promise<Profile> {
		return this.memo.get(`profile ${name}`, () => this.api.json<Profile>(path`profiles/${name}`));
	}

	// What a table needs to have, by resolution.
	latencyKeys(network: string): Promise<Record<string, string[]>> {
		return this.memo.get(`keys ${network}`, async () =>
			(await this.api.json<{ keys: Record<string, string[]> }>(path`networks/${network}/latency-keys`)).keys);
	}

	// Of a server that signs.
	signingKeys(): Promise<SigningKey[]> {
		return this.memo.get('signing', async () =>
			(await this.api.json<{ keys: SigningKey[] }>('.well-known/ofad-keys.json')).keys);
	}

	// After something was uploaded or deleted.
	forgetProfiles(): void {
		for (const what of ['profiles', 'profile ', 'pareto ', 'samples ', 'search ', 'plan ']) this.memo.forget(what);
	}

	pareto(network: string, profile: string | null, dtype: Dtype, metric: Resource): Promise<Pareto> {
		const q = query({ profile, dtype, metric });
		return this.memo.get(`pareto ${network}${q}`, () => this.api.json<Pareto>(path`networks/${network}/pareto` + q));
	}

	samples(network: string, profile: string | null, dtype: Dtype, n: number): Promise<Samples> {
		const q = query({ n, profile, dtype, seed: 0 });
		return this.memo.get(`samples ${network}${q}`, async () => {
			const response = await this.api.fetch(path`networks/${network}/samples` + q);
			return parseSamples(await response.arrayBuffer());
		});
	}

	// What POST /subnets would deliver.  Not kept while the signal may end it.
	search(body: SubnetRequest, signal?: AbortSignal): Promise<Answer> {
		const ask = () => this.api.json<Answer>('searches', { body, signal });
		return signal ? ask() : this.memo.get(`search ${JSON.stringify(body)}`, ask);
	}

	plan(network: string, profile: string | null, dtype: Dtype, arch: Arch): Promise<Plan> {
		const body = { network, dtype, arch, ...(profile ? { profile } : {}) };
		return this.memo.get(`plan ${JSON.stringify(body)}`, () => this.api.json<Plan>('plans', { body }));
	}

	// The subnet that the state means: its arch, or the best within its limits.
	async chosen(state: State, signal?: AbortSignal): Promise<Chosen> {
		try {
			return { kind: 'found', answer: await this.search(await this.request(state), signal) };
		} catch (e) {
			if (e instanceof ApiError && e.status === 422) return { kind: 'refused', problem: e.problem };
			throw e;
		}
	}

	// The body that asks for it; the same for POST /searches and POST /subnets.
	async request(state: State): Promise<SubnetRequest> {
		const body: SubnetRequest = { network: (await this.network(state.network)).name, dtype: state.dtype };
		if (state.profile) body.profile = state.profile;
		if (state.arch) body.arch = state.arch;
		else body.limits = state.limits;
		return body;
	}

	// The axis: the state's, or latency where this profile tells it for this type, else MACs.
	async metric(state: State): Promise<Resource> {
		return state.x ?? ((await this.times(state.profile, state.dtype)) ? 'latency_ms' : 'macs');
	}

	async times(profile: string | null, dtype: Dtype): Promise<boolean> {
		if (!profile) return false;
		const table = (await this.profile(profile)).latency_table;
		return table !== undefined && (table.dtype ?? 'float32') === dtype;
	}
}
