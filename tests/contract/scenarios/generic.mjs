// What every operation does that documents it: the answers that follow from HTTP rather than from the operation.
import { setTimeout as sleep } from 'node:timers/promises';
import { check } from '../lib/suite.mjs';

const NOWHERE = { name: 'nothing-here', id: '0'.repeat(64), slug: 'nothing-here', job: 'nothing-here' };

const documenting = (suite, status) =>
	[...suite.document.operations.values()].filter((op) => op.responses.has(String(status)));

const firstSuccess = (op) => Number([...op.responses.keys()].find((status) => status.startsWith('2')));

// Path parameters that lead nowhere; null when the operation has none.
function nowhere(op) {
	const names = op.parameters.filter((p) => p.in === 'path').map((p) => p.name);
	return names.length ? Object.fromEntries(names.map((name) => [name, NOWHERE[name] ?? 'nothing-here'])) : null;
}

// After which the ledger's counts, of which each replica keeps some for a while, are together.
const LEDGER_MS = 6000;

// Each replica signs for itself, with its own expiry and number.
const SIGNED = ['getSignedManifest', 'getMinisig'];

async function conditional(suite, all, op) {
	const daemon = SIGNED.includes(op.id) ? all.replicas[0] : all;
	const whole = await suite.call(daemon, op.id, firstSuccess(op));
	const etag = whole.headers.etag;
	check(etag, `${op.id}: no ETag`);
	const headers = { 'If-None-Match': `"other", W/${etag}` };
	const none = await suite.call(daemon, op.id, 304, { headers });
	check(none.headers.etag === etag, `${op.id}: another ETag on 304`);
	await suite.call(daemon, op.id, firstSuccess(op), { headers: { 'If-None-Match': '"other"' } });
}

// How a message is framed, which is not the resource's: a stream has chunks, its HEAD none.
const FRAMING = ['connection', 'transfer-encoding'];

// HEAD is GET without the body.
async function head(suite, daemon, op) {
	const get = await suite.call(daemon, op.id, firstSuccess(op));
	const none = await suite.call(daemon, op.id, get.status, { method: 'HEAD' });
	const names = (reply) =>
		Object.keys(reply.headers)
			.filter((n) => !FRAMING.includes(n))
			.sort()
			.join(' ');
	check(none.body.length === 0, `${op.id}: HEAD has a body`);
	check(names(none) === names(get), `${op.id}: HEAD has ${names(none)}, GET ${names(get)}`);
	const lasting = get.headers['cache-control'] !== 'no-store'; // else it is a reading of the moment
	check(!lasting || none.headers['content-length'] === get.headers['content-length'], `${op.id}: another length`);
}

// Of these each type is another resource: operation -> type -> parameters of the path.
const OF_TYPE = {
	getStatic: {
		'text/javascript': { file: 'app.js' },
		'text/css': { file: 'app.css' },
		'image/svg+xml': { file: 'icon.svg' },
		'application/wasm': { file: 'device.wasm' },
	},
};

async function everyType(suite, daemon, op) {
	const status = firstSuccess(op);
	for (const type of Object.keys(op.responses.get(String(status)).content)) {
		const path = OF_TYPE[op.id]?.[type];
		const reply = await suite.call(daemon, op.id, status, { path, headers: { Accept: type } });
		check(
			reply.headers['content-type'].startsWith(type),
			`${op.id}: ${reply.headers['content-type']} for ${type}`,
		);
	}
}

// Examples are what people copy: each must be accepted.
async function examples(suite, daemon, op) {
	for (const [type, { examples: bodies }] of Object.entries(op.bodies))
		for (const body of bodies) await suite.call(daemon, op.id, firstSuccess(op), { body, type });
}

async function parameterExamples(suite, daemon, op) {
	for (const p of op.parameters.filter((q) => q.in !== 'path')) {
		const example = suite.known[`${op.id} ${p.name}`] ?? suite.known[p.name] ?? p.example;
		check(p.example !== undefined, `${op.id}: the parameter ${p.name} has no example`);
		const request = { [p.in === 'query' ? 'query' : 'headers']: { [p.name]: String(example) } };
		const { status } = await daemon.exchange(suite.request(daemon, op.id, request));
		// whether a precondition holds is not the example's business
		check(status < 400 || status === 412, `${op.id}: ${status} for the example of ${p.name}`);
		await suite.call(daemon, op.id, status, request);
	}
}

const isGet = (op) => op.method === 'GET';

export async function generic(suite, daemon) {
	const each = async (what, ops, run) => {
		for (const op of ops) await suite.test(`${op.id}: ${what}`, () => run(op));
	};
	const all = [...suite.document.operations.values()];
	const lasting = all.filter((op) => op.method !== 'DELETE');
	const noBody = documenting(suite, 413).filter((op) => Object.keys(op.bodies).length === 0);
	const withBody = documenting(suite, 413).filter((op) => Object.keys(op.bodies).length > 0);

	await each('every example of a body', lasting, (op) => examples(suite, daemon, op));
	await each('every media type', lasting, (op) => everyType(suite, daemon, op));
	await each('every example of a parameter', lasting, (op) => parameterExamples(suite, daemon, op));
	// what each replica counts is added up every few seconds
	if (daemon.replicas.length > 1) await sleep(LEDGER_MS);
	await each('HEAD', all.filter(isGet), (op) => head(suite, daemon, op));
	if (daemon.replicas.length > 1) await sleep(LEDGER_MS);
	await each('If-None-Match', documenting(suite, 304), (op) => conditional(suite, daemon, op));
	await each('two lengths', documenting(suite, 400), (op) =>
		suite.callRaw(
			daemon,
			op.id,
			{ status: 400, slug: 'bad-request' },
			'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
		),
	);
	await each('a path that leads nowhere', documenting(suite, 404).filter(nowhere), (op) =>
		suite.call(daemon, op.id, { status: 404, slug: 'not-found' }, { path: nowhere(op) }),
	);
	await each('an Accept that excludes all', documenting(suite, 406), (op) =>
		suite.call(
			daemon,
			op.id,
			{ status: 406, slug: 'not-acceptable', field: 'Accept' },
			{ headers: { Accept: 'application/x-nothing' } },
		),
	);
	await each('a body where none belongs', noBody, (op) =>
		suite.callRaw(daemon, op.id, { status: 413, slug: 'too-large' }, 'Content-Length: 2\r\n\r\n{}'),
	);
	await each('a body that is too large', withBody, (op) =>
		suite.callRaw(
			daemon,
			op.id,
			{ status: 413, slug: 'too-large' },
			`Content-Type: ${Object.keys(op.bodies)[0]}\r\nContent-Length: 99999999\r\n\r\n`,
		),
	);
	await each('a body of another type', documenting(suite, 415), (op) =>
		suite.call(
			daemon,
			op.id,
			{ status: 415, slug: 'unsupported-media-type', field: 'Content-Type' },
			{ body: 'x', type: 'text/plain' },
		),
	);
}
