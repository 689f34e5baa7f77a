// The server's API.  Every call may throw ApiError, or an AbortError when its signal fired.
import { Kept } from './kept';

export interface FieldError {
	pointer?: string;
	detail?: string;
}

// application/problem+json (RFC 9457) as the server writes it.
export interface Problem {
	type?: string;
	title?: string;
	status?: number;
	detail?: string;
	errors?: FieldError[];
	feasible?: Record<string, { min: number; max: number }>;
	request_id?: string;
	[key: string]: unknown;
}

export class ApiError extends Error {
	constructor(readonly status: number, readonly problem: Problem) {
		super(problem.detail ?? problem.title ?? `the server answered ${status}`);
	}
}

// There was no answer: the network's fault, or the server is not there.
export class Unreachable extends Error {
	constructor() {
		super('The server does not answer.');
	}
}

export interface CallOptions {
	method?: string;
	body?: BodyInit | object;
	type?: string;   // of a body that is not an object
	accept?: string;
	headers?: Record<string, string>;
	signal?: AbortSignal | undefined;
}

export class Api {
	private readonly kept = new Kept(() => sessionStorage, 'ofad-token');

	// Asks for a token, once a call needs one; null: nobody gives one.
	constructor(private readonly askToken: (again: boolean) => Promise<string | null>) {}

	get token(): string | null {
		return this.kept.value;
	}

	set token(value: string | null) {
		this.kept.value = value;
	}

	// False: the one that there is stays.
	async replaceToken(): Promise<boolean> {
		const token = await this.askToken(false);
		if (token) this.token = token;
		return token !== null;
	}

	async fetch(path: string, options: CallOptions = {}): Promise<Response> {
		for (;;) {
			const used = this.token, response = await this.once(path, options);
			if (response.ok) return response;
			if (response.status === 401) {
				if (this.token !== used) continue; // another call was given one meanwhile
				const token = await this.askToken(used !== null);
				if (token) {
					this.token = token;
					continue;
				}
			}
			throw await toError(response);
		}
	}

	async json<T>(path: string, options: CallOptions = {}): Promise<T> {
		const response = await this.fetch(path, { accept: 'application/json', ...options });
		return (await response.json()) as T;
	}

	private once(path: string, options: CallOptions): Promise<Response> {
		const { body, type, accept, method, headers, signal } = options;
		const plain = body !== undefined && isPlain(body);
		const all: Record<string, string> = { ...headers };
		if (accept) all['Accept'] = accept;
		if (plain) all['Content-Type'] = 'application/json';
		else if (type) all['Content-Type'] = type;
		if (this.token) all['Authorization'] = `Bearer ${this.token}`;
		const init: RequestInit = { method: method ?? (body === undefined ? 'GET' : 'POST'), headers: all };
		if (body !== undefined) init.body = plain ? JSON.stringify(body) : (body as BodyInit);
		if (signal) init.signal = signal;
		return fetch(path, init).catch((e: unknown) => {
			throw e instanceof TypeError ? new Unreachable() : e;
		});
	}
}

function isPlain(body: BodyInit | object): boolean {
	return Object.getPrototypeOf(body) === Object.prototype;
}

async function toError(response: Response): Promise<ApiError> {
	const problem = await response.json().catch(() => ({})) as Problem;
	return new ApiError(response.status, problem);
}

// The URL of a resource with a name that may hold slashes: each segment is escaped.
export function path(strings: TemplateStringsArray, ...values: string[]): string {
	return strings.reduce((all, part, i) => all + part +
		(values[i] ?? '').split('/').map(encodeURIComponent).join('/'), '');
}

// "?a=1&b=2" of what is set.
export function query(values: Record<string, string | number | null | undefined>): string {
	const q = new URLSearchParams();
	for (const [name, value] of Object.entries(values))
		if (value !== null && value !== undefined) q.set(name, String(value));
	const text = q.toString();
	return text ? `?${text}` : '';
}
