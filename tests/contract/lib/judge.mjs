// Is this answer to a hostile request a proper one?
import { json, mediaType } from './check.mjs';

// What libmicrohttpd says by itself about messages that it cannot parse, as HTML: also that it does not speak a version
// or a transfer coding, which are the only errors of the server's kind (5xx) that a client can bring about.
const LIBRARY = new Set([400, 411, 413, 414, 431, 501, 505]);
const JSON_POINTER = /^(\/([^~/]|~[01])*)*$/;

// Version 0.9.75 sends the header section of such an answer twice, so that nothing can be said of the body.
const isLibrary = (reply) => LIBRARY.has(reply.status) && !reply.headers['x-request-id'];

// An error for people, of GET /front; whether an operation may answer so is the document's to say.
const isPage = (reply) => mediaType(reply) === 'text/html' && 'x-request-id' in reply.headers;

// Does a pointer lead into this JSON value, or to a member that is missing there?
function leadsInto(pointer, value) {
	const parts = pointer
		.split('/')
		.slice(1)
		.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
	let at = value;
	for (const [i, part] of parts.entries()) {
		if (at === null || typeof at !== 'object') return false;
		if (i === parts.length - 1) return true;
		at = Object.hasOwn(at, part) ? at[part] : undefined;
	}
	return true;
}

function parseJson(bytes) {
	try {
		return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) };
	} catch {
		return null;
	}
}

export class Judge {
	constructor(document, checker) {
		this.document = document;
		this.checker = checker;
	}

	// A message of any shape: an answer of the library's, or one of ours that is no failure; or it is cut off.
	messageFaults(message, exchanged, reply) {
		if (!reply) return exchanged.how === 'silent' ? ['it hangs'] : [];
		if (isLibrary(reply)) {
			if (reply.status === 505 && /^HTTP\/1\.[01]$/.test(message.version))
				return ['505 for a version that is spoken'];
			if (reply.status === 501 && !message.coding) return ['501 without a transfer coding'];
			return [];
		}
		return this.#kindFaults(exchanged, reply);
	}

	// A well-formed message for an operation, whose fields, parameters or body are hostile.
	operationFaults(operation, request, exchanged, reply) {
		if (!reply) return request.cookies || request.full ? [] : [`no answer (${exchanged.how})`];
		if ((request.large || (request.cookies && reply.status === 431)) && isLibrary(reply)) return [];
		const faults = this.#kindFaults(exchanged, reply);
		const elsewhere = [404, 405].includes(reply.status) && !isPage(reply);
		if (faults.length || elsewhere) return faults;
		faults.push(...this.checker.faults(operation, reply));
		if (request.body && !faults.length) faults.push(...this.#bodyFaults(operation, request, reply));
		return faults;
	}

	#kindFaults(exchanged, reply) {
		// HTTP/1.0 has no chunks: a stream ends with its connection
		const ended = exchanged.how === 'closed' && !('content-length' in reply.headers);
		if (reply.status >= 500) return [`${reply.status}: ${reply.body.toString('latin1').slice(0, 300)}`];
		if (!reply.whole && !ended) return [`${reply.status}: the answer is not whole`];
		return reply.status >= 400 && reply.method !== 'HEAD' && !isPage(reply) ? this.checker.problemFaults(reply) : [];
	}

	// What is accepted must fit the document's schema; what is refused must be pointed at.
	#bodyFaults(operation, request, reply) {
		const parsed = parseJson(request.body);
		const accepted = reply.status < 300;
		if (request.type !== 'application/json') return [];
		if (accepted && !parsed) return [`${reply.status} for a body that is not JSON`];
		if (accepted)
			return this.document
				.requestFaults(operation.bodies[request.type].schema, parsed.value)
				.map(
					(fault) =>
						`${reply.status} for a body that the document does not allow: ${fault}`,
				);
		if (reply.status !== 400 && reply.status !== 422) return [];
		return this.#pointerFaults(operation, parsed, json(reply));
	}

	#pointerFaults(operation, parsed, problem) {
		if (!problem.errors?.length) return [`${problem.status} (${problem.detail}) points at nothing`];
		return problem.errors.flatMap((error) => this.#pointerFault(operation, parsed, problem, error));
	}

	#pointerFault(operation, parsed, problem, error) {
		const refusal = `${problem.status} (${error.detail})`;
		if (operation.parameters.some((p) => p.name === error.pointer)) return [];
		if (!JSON_POINTER.test(error.pointer))
			return [`${refusal} points at "${error.pointer}", which is no JSON pointer`];
		if (problem.status === 400)
			return error.pointer === '' ? [] : [`${refusal} points at ${error.pointer}`];
		if (!parsed) return [`${refusal} for a body that is not JSON`];
		return leadsInto(error.pointer, parsed.value)
			? []
			: [`${refusal} points at ${error.pointer}, which is not there`];
	}
}
