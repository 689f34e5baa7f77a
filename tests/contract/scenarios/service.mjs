// The server itself: its documents, its state, and what it says to what it does not know.
import { gunzipSync } from 'node:zlib';
import { check } from '../lib/suite.mjs';

const METHODS = { get: 'GET, HEAD', put: 'PUT', post: 'POST', delete: 'DELETE' };

export async function service(suite, daemon) {
	await suite.test('listProblems: the registry', async () => {
		const { json } = await suite.call(daemon, 'listProblems', 200);
		suite.checker.problems = Object.fromEntries(
			json.problems.map((p) => [p.type.replace('/problems/', ''), p.status]),
		);
		for (const p of json.problems) {
			const slug = p.type.replace('/problems/', '');
			const one = await suite.call(daemon, 'getProblem', 200, { path: { slug } });
			check(JSON.stringify(one.json) === JSON.stringify(p), `${slug} is another there`);
		}
	});
	await suite.test('getOpenapi: this document', async () => {
		const { body } = await suite.call(daemon, 'getOpenapi', 200);
		check(body.includes('openapi: 3.1.0'), 'it is not');
	});
	await suite.test('the links of GET / lead somewhere', async () => {
		const { json } = await suite.call(daemon, 'getRoot', 200, { headers: { Accept: 'application/json' } });
		for (const path of Object.values(json.links).filter((link) => !link.includes('{'))) {
			const reply = await daemon.exchange({ method: 'OPTIONS', path });
			check(reply.status === 405, `${path}: ${reply.status}`);
		}
	});
	await suite.test('getRoot, getStatic: compressed', async () => {
		await compressed(suite, daemon, 'getRoot', { Accept: 'text/html' }, 'Accept, Accept-Encoding');
		await compressed(suite, daemon, 'getStatic', {}, 'Accept-Encoding');
	});
	await suite.test('getLedger: no number of devices', async () => {
		const want = { status: 422, slug: 'invalid-value', field: 'devices' };
		for (const devices of ['-1', 'many', '1000000000001', '1.5'])
			await suite.call(daemon, 'getLedger', want, { query: { devices } });
	});
	for (const [path, item] of Object.entries(suite.document.root.paths))
		await suite.test(`${path}: other methods`, () => otherMethods(suite, daemon, path, item));
	await suite.test('a path that is none', async () => {
		const reply = await daemon.exchange({ method: 'GET', path: '/nothing-here' });
		check(reply.status === 404, `${reply.status}`);
		const faults = suite.checker.problemFaults(reply);
		check(faults.length === 0, faults.join('; '));
	});
	await suite.test('X-Request-Id: given, made', async () => {
		const headers = { 'X-Request-Id': 'a-request.1' };
		const own = await suite.call(daemon, 'getHealth', 200, { headers });
		check(own.headers['x-request-id'] === 'a-request.1', 'not echoed');
		const made = await suite.call(daemon, 'getHealth', 200, { headers: { 'X-Request-Id': 'a b' } });
		check(/^[\w.:-]{1,64}$/.test(made.headers['x-request-id']), made.headers['x-request-id']);
	});
}

// The same content in two codings, each with its tag; what is excluded is not sent.
async function compressed(suite, daemon, id, accept, vary) {
	const get = (want, headers) => suite.call(daemon, id, want, { headers: { ...accept, ...headers } });
	const plain = await get(200, {});
	const packed = await get(200, { 'Accept-Encoding': 'gzip' });
	check(!('content-encoding' in plain.headers), 'compressed unasked');
	check(packed.headers['content-encoding'] === 'gzip', 'not compressed');
	check(gunzipSync(packed.body).equals(plain.body), 'other content');
	check(packed.headers.etag !== plain.headers.etag, 'both have one tag');
	check(plain.headers.vary === vary && packed.headers.vary === vary, `Vary: ${plain.headers.vary}`);
	const tag = { 'If-None-Match': plain.headers.etag };
	await get(304, tag);
	await get(200, { ...tag, 'Accept-Encoding': 'gzip' });
	const excluded = { 'Accept-Encoding': 'identity;q=0, gzip;q=0' };
	await get({ status: 406, slug: 'not-acceptable', field: 'Accept-Encoding' }, excluded);
}

// 405 names exactly the methods that the document has.
async function otherMethods(suite, daemon, path, item) {
	const target = path.replace(/{\w+}/g, 'x');
	const documented = Object.keys(METHODS)
		.filter((m) => item[m])
		.map((m) => METHODS[m])
		.join(', ')
		.split(', ');
	for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'FROBNICATE', 'M-SEARCH']) {
		if (documented.includes(method)) continue;
		const reply = await daemon.exchange({ method, path: target }).catch((error) => ({ error }));
		if (reply.error) {
			check(/Invalid HTTP method|Method/.test(reply.error.message), reply.error.message);
			continue;
		}
		const faults = suite.checker.problemFaults(reply);
		check(
			reply.status === 405 && faults.length === 0,
			`${method} ${target}: ${reply.status} ${faults.join('; ')}`,
		);
		const allow = reply.headers.allow.split(', ').sort().join();
		check(allow === documented.sort().join(), `${method} ${target}: Allow: ${allow}`);
	}
}
