// Is a reply one that the document promises?
import { createHash } from 'node:crypto';

// What HTTP itself adds to any message.
const FRAMING = new Set(['date', 'connection', 'content-length', 'content-type', 'transfer-encoding', 'keep-alive']);
const PROBLEM = 'application/problem+json';

export const mediaType = (reply) => (reply.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();

// The body as JSON; throws when it is none or not UTF-8.
export const json = (reply) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(reply.body));

export class Checker {
	problems = null; // slug -> status, once GET /problems was asked

	constructor(document, coverage) {
		this.document = document;
		this.coverage = coverage;
	}

	// What is wrong with a problem; any operation may answer one.
	problemFaults(reply) {
		if (mediaType(reply) !== PROBLEM)
			return [`the type is ${reply.headers['content-type']}, not ${PROBLEM}`];
		let problem;
		try {
			problem = json(reply);
		} catch (error) {
			return [`the problem is not JSON: ${error.message}`];
		}
		const faults = this.document.faults('/components/schemas/Problem', problem);
		const slug = String(problem.type).replace('/problems/', '');
		if (problem.status !== reply.status)
			faults.push(`status ${problem.status} in the body of a ${reply.status}`);
		if (this.problems && this.problems[slug] !== reply.status)
			faults.push(`${slug} is not a registered ${reply.status}`);
		if (problem.request_id !== reply.headers['x-request-id']) faults.push('request_id is not X-Request-Id');
		if ('field' in problem !== 'errors' in problem)
			faults.push('field without errors or errors without field');
		return faults;
	}

	// All that is wrong with this operation's reply; what it exercised is counted.
	faults(operation, reply) {
		const status = String(reply.status);
		const response = operation.responses.get(status);
		if (!response)
			return [`status ${status} is not documented: ${reply.body.toString('latin1').slice(0, 300)}`];
		this.coverage.seen(operation.id);
		this.coverage.seen(operation.id, status);
		return [
			...this.#headerFaults(operation, status, response, reply),
			...this.#bodyFaults(operation, status, response, reply),
		];
	}

	#headerFaults(operation, status, response, reply) {
		const faults = [];
		const known = new Set([...response.headers.keys()].map((name) => name.toLowerCase()));
		for (const name of Object.keys(reply.headers))
			if (!known.has(name) && !FRAMING.has(name))
				faults.push(`header ${name} is not documented for ${status}`);
		for (const [name, header] of response.headers) {
			const value = reply.headers[name.toLowerCase()];
			if (value === undefined) {
				if (header.required) faults.push(`header ${name} is missing`);
				continue;
			}
			this.coverage.seen(operation.id, status, name);
			const typed = /^-?\d{1,15}$/.test(value) ? [Number(value), value] : [value];
			const reasons = typed.map((v) => this.document.faults(header.schema, v));
			if (reasons.every((list) => list.length))
				faults.push(`header ${name}: ${value}: ${reasons[0]}`);
		}
		return faults;
	}

	#bodyFaults(operation, status, response, reply) {
		if (Object.keys(response.content).length === 0)
			return reply.body.length
				? [`a body of ${reply.body.length} bytes where ${status} has none`]
				: [];
		const type = mediaType(reply);
		const media = response.content[type];
		if (!media) return [`type ${type || '(none)'} is not documented for ${status}`];
		this.coverage.seen(operation.id, status, type);
		if (reply.method === 'HEAD') return [];
		if (type === PROBLEM) return this.problemFaults(reply);
		const faults = type.endsWith('json') ? this.#jsonFaults(media, reply) : [];
		return [...faults, ...this.#digestFaults(status, reply)];
	}

	#jsonFaults(media, reply) {
		try {
			return this.document.faults(media.schema, json(reply));
		} catch (error) {
			return [`not JSON: ${error.message}`];
		}
	}

	#digestFaults(status, reply) {
		const digest = reply.headers['repr-digest'];
		if (!digest || status !== '200') return [];
		const actual = createHash('sha256').update(reply.body).digest('base64');
		return digest === `sha-256=:${actual}:` ? [] : [`Repr-Digest ${digest} is not that of the body`];
	}
}
