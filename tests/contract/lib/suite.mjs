// Tests with names, and calls of operations whose replies are held against the document.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseReply, rawExchange } from './client.mjs';
import { Checker, json, mediaType } from './check.mjs';
import { Coverage } from './coverage.mjs';

export class Suite {
	passed = 0;
	failed = 0;
	replies = 0;
	// Parameter, or operation and parameter -> value of something that exists, where no example of the document can be.
	known = {};
	// Operation -> headers that go with a request unless it has any of its own that begin with If-.
	usual = { putProfile: { 'If-Match': '*' } };

	constructor(world, document) {
		this.world = world;
		this.document = document;
		this.coverage = new Coverage(document);
		this.checker = new Checker(document, this.coverage);
	}

	async test(name, body) {
		try {
			await body();
			this.passed++;
		} catch (error) {
			this.failed++;
			console.log(`FAIL ${name}: ${error.message}`);
			if (!(error instanceof Mismatch)) console.log(error.stack.split('\n').slice(1, 5).join('\n'));
		}
	}

	operation(id) {
		const operation = this.document.operations.get(id);
		if (!operation) throw new Mismatch(`there is no operation ${id}`);
		return operation;
	}

	// Asks for an operation and checks the reply against the document and against `want`: a status, or
	// { status, slug?, field? }.  `request`: path, query, headers (maps), body (an object, or text with `type`), token,
	// agent, timeout, method, bare (without the usual headers).  Without a body the first example of the document is
	// sent.
	async call(daemon, id, want, request = {}) {
		const operation = this.operation(id);
		const { target, options } = this.#prepare(daemon, operation, request);
		const reply = await daemon.exchange(options);
		reply.method = options.method;
		this.#count(operation, options, request);
		this.#judge(operation, reply, want, `${options.method} ${target}`);
		return mediaType(reply).endsWith('json') && reply.body.length ? { ...reply, json: json(reply) } : reply;
	}

	// Options of an exchange for this request, unchecked.
	request(daemon, id, request = {}) {
		return this.#prepare(daemon, this.operation(id), request).options;
	}

	#usual(operation, { headers = {}, bare }) {
		return bare || Object.keys(headers).some((name) => name.startsWith('If-'))
			? {}
			: this.usual[operation.id];
	}

	#prepare(daemon, operation, request) {
		const query = new URLSearchParams(request.query).toString();
		const target =
			this.document.path(operation, { ...this.known, ...request.path }) + (query ? `?${query}` : '');
		const headers = { ...this.#usual(operation, request), ...request.headers };
		const token = 'token' in request ? request.token : daemon.token;
		if (token) headers.Authorization = `Bearer ${token}`;
		let { body } = request;
		const [type, media] = Object.entries(operation.bodies)[0] ?? [];
		if (type && body === undefined && !request.empty) body = media.examples[0] ?? {};
		if (body !== undefined && body !== null) {
			headers['Content-Type'] ??= request.type ?? 'application/json';
			if (typeof body !== 'string' && !Buffer.isBuffer(body)) body = JSON.stringify(body);
			headers['Content-Length'] = Buffer.byteLength(body);
		}
		const { agent, timeout, method = operation.method } = request;
		return { target, options: { method, path: target, headers, body, agent, timeout } };
	}

	#count(operation, options, request) {
		for (const name of Object.keys(request.query ?? {}))
			this.coverage.seen(operation.id, 'parameter', name);
		const sent = new Set(Object.keys(options.headers).map((name) => name.toLowerCase()));
		for (const p of operation.parameters)
			if (p.in === 'path' || (p.in === 'header' && sent.has(p.name.toLowerCase())))
				this.coverage.seen(operation.id, 'parameter', p.name);
		const type = options.headers['Content-Type'];
		if (type && options.body) this.coverage.seen(operation.id, 'body', type);
	}

	#judge(operation, reply, want, what) {
		const { status, slug, field } = typeof want === 'number' ? { status: want } : want;
		const text = mediaType(reply).endsWith('json') ? `: ${reply.body.toString('utf8').slice(0, 300)}` : '';
		this.replies++;
		if (reply.status !== status) throw new Mismatch(`${what}: ${reply.status} instead of ${status}${text}`);
		const faults = this.checker.faults(operation, reply);
		if (faults.length) throw new Mismatch(`${what}: ${status}: ${faults.join('; ')}`);
		if (!slug) return;
		const problem = json(reply);
		if (problem.type !== `/problems/${slug}`)
			throw new Mismatch(`${what}: ${problem.type} instead of ${slug}${text}`);
		if (field !== undefined && problem.field !== field)
			throw new Mismatch(`${what}: not of field ${field}${text}`);
	}

	// The same for a request in raw bytes, of which `head` is what follows the request line.
	async callRaw(daemon, id, want, head, request = {}) {
		const operation = this.operation(id);
		const { target, options } = this.#prepare(daemon, operation, { ...request, empty: true });
		const lines = [
			`${options.method} ${target} HTTP/1.1`,
			'Host: x',
			...Object.entries(options.headers).map(([name, value]) => `${name}: ${value}`),
			head,
		];
		const reply = daemon.received(parseReply((await rawExchange(daemon.port, lines.join('\r\n'))).bytes));
		if (!reply) throw new Mismatch(`${options.method} ${target}, raw: no answer`);
		this.#judge(operation, reply, want, `${options.method} ${target}, raw`);
	}
}

export class Mismatch extends Error {}

export function check(condition, message) {
	if (!condition) throw new Mismatch(message);
}

// Asks until the answer is what is wanted, for ten seconds.
export async function eventually(ask, wanted, what) {
	for (const end = Date.now() + 10000; Date.now() < end; await sleep(20)) {
		const answer = await ask();
		if (wanted(answer)) return answer;
	}
	throw new Mismatch(`${what}: not within 10 s`);
}
