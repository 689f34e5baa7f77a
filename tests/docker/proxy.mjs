// docker/nginx/nginx.conf, run: what is repeated elsewhere and what is not, what is kept and for whom, what passes.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { World } from '../contract/lib/world.mjs';
import { OFAD, Pretender, Proxy, Tally, check, equal, eventually, sleep } from './lib.mjs';

const tally = new Tally();
const PACKAGE = 'application/vnd.ofa.subnet';
const problem = (reply) => JSON.parse(reply.body).type;

// ---- before replicas that pretend ----

// Breaks off once it has the whole request.
const breaks = (request) => request.socket.destroy() || true;
const busy = (request, reply) => {
	reply.writeHead(503, { 'Content-Type': 'application/problem+json', 'Retry-After': '7' });
	reply.end('{"type":"/problems/overload"}');
	return true;
};

async function pair() {
	const replicas = [await Pretender.start('a'), await Pretender.start('b')];
	return { replicas, proxy: await Proxy.start(replicas.map((one) => one.address)) };
}
const { replicas, proxy } = await pair();

function behave(how) {
	for (const one of replicas) {
		one.behave = how;
		one.seen.length = 0;
	}
}
const seen = () => replicas.reduce((sum, one) => sum + one.seen.length, 0);

// [method, path, how often it is sent when the first replica breaks off, what the client gets]
const BROKEN = [
	['GET', '/networks', 2, 200],
	['GET', '/profiles/acme/cam', 2, 200],
	['HEAD', '/networks', 2, 200],
	['POST', '/subnets', 2, 200],
	['POST', '/searches', 2, 200],
	['POST', '/plans', 2, 200],
	['POST', `/subnets/${'0'.repeat(64)}/measurements`, 1, 503],
	['PUT', '/profiles/acme/cam', 1, 503],
	['DELETE', '/profiles/acme/cam', 1, 503],
	['DELETE', '/jobs/1', 1, 503],
];
for (const [method, path, times, status] of BROKEN)
	await tally.test(`${method} ${path} when a replica breaks off`, async () => {
		let left = 1;
		behave((request) => left-- > 0 && breaks(request));
		const body = /POST|PUT/.test(method) ? '{}' : undefined;
		const reply = await proxy.ask(method, path, { body, headers: body ? { 'Content-Type': 'application/json' } : {} });
		equal(reply.status, status, 'status');
		equal(seen(), times, 'requests that were sent');
		if (status === 503) {
			equal(problem(reply), '/problems/unavailable', 'problem');
			check(Number(reply.headers['retry-after']) > 0, 'no Retry-After');
		}
	});

for (const [method, path, times] of [['POST', '/subnets', 2], ['GET', '/networks', 2], ['PUT', '/profiles/a', 1], ['POST', '/jobs/x', 1]])
	await tally.test(`${method} ${path} when a replica is busy`, async () => {
		behave(busy);
		const reply = await proxy.ask(method, path, { body: method === 'GET' ? undefined : '{}' });
		equal(reply.status, 503, 'status');
		equal(seen(), times, 'requests that were sent');
		equal(reply.headers['retry-after'], '7', 'Retry-After, the last replica\'s own');
	});

await tally.test('a refusal takes no replica out', async () => {
	behave(busy);
	for (let i = 0; i < 20; i++) await proxy.ask('POST', '/searches', { body: '{}' });
	behave(null);
	for (let i = 0; i < 4; i++) equal((await proxy.ask('GET', '/networks')).status, 200, 'status');
	check(replicas.every((one) => one.seen.length > 0), 'a replica gets nothing any more');
});

await tally.test('a client cannot say who it is', async () => {
	behave(null);
	await proxy.ask('GET', '/networks', { headers: { 'X-Forwarded-For': '198.51.100.1', 'X-Request-Id': 'mine-1' } });
	const { headers } = replicas.flatMap((one) => one.seen)[0];
	equal(headers['x-forwarded-for'], '127.0.0.1', 'X-Forwarded-For');
	equal(headers['x-request-id'], 'mine-1', 'X-Request-Id');
});

await tally.test('harmful request ids are replaced', async () => {
	behave(null);
	await proxy.ask('GET', '/networks', { headers: { 'X-Request-Id': 'a "b" c' } });
	check(/^[0-9a-f]{32}$/.test(replicas.flatMap((one) => one.seen)[0].headers['x-request-id']), 'passed on');
});

for (const path of ['/metrics', '/healthz', '/readyz', '//metrics', '/%6detrics', '/x/../metrics', '/metrics?x=1'])
	await tally.test(`${path} is not for those outside`, async () => {
		behave(null);
		const reply = await proxy.ask('GET', path);
		equal(reply.status, 404, 'status');
		equal(problem(reply), '/problems/not-found', 'problem');
		equal(seen(), 0, 'requests that were sent');
	});

await tally.test('paths reach the replica as they were sent', async () => {
	behave(null);
	await proxy.ask('GET', '/profiles/acme%2Fcam/revisions?limit=3');
	equal(replicas.flatMap((one) => one.seen)[0].url, '/profiles/acme%2Fcam/revisions?limit=3', 'target');
});

await tally.test('bodies that are too large', async () => {
	behave(null);
	const reply = await proxy.ask('PUT', '/profiles/acme/cam', { body: Buffer.alloc(10 << 20) });
	equal(reply.status, 413, 'status');
	equal(problem(reply), '/problems/too-large', 'problem');
	equal((await proxy.ask('PUT', '/profiles/acme/cam', { body: Buffer.alloc(8 << 20) })).status, 200, '8 MiB');
});

await tally.test('header sections that are too long', async () => {
	const reply = await proxy.ask('GET', '/networks', { headers: { 'X-Long': 'x'.repeat(40000) } });
	equal(reply.status, 431, 'status');
});

await tally.test('HTTP/2', async () => {
	behave(null);
	const session = http2.connect(`https://localhost:${proxy.port}`, { ca: proxy.ca, lookup: (_, o, done) => done(null, o.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4) });
	const stream = session.request({ ':path': '/networks' });
	const status = await new Promise((resolve, reject) => {
		stream.on('response', (headers) => resolve(headers[':status']));
		stream.on('error', reject);
		session.on('error', reject);
	});
	session.close();
	equal(status, 200, 'status');
	await eventually(() => proxy.lines.at(-1).protocol, (protocol) => protocol === 'HTTP/2.0', 'protocol in the log');
});

for (const [version, good] of [['TLSv1.3', true], ['TLSv1.2', true], ['TLSv1.1', false]])
	await tally.test(version, async () => {
		const options = { host: '127.0.0.1', servername: 'localhost', port: proxy.port, ca: proxy.ca, path: '/networks', agent: false };
		const spoken = await new Promise((resolve) => {
			const request = https.get({ ...options, minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }, (reply) => resolve(reply.socket.getProtocol()));
			request.on('error', () => resolve(null));
		});
		equal(spoken, good ? version : null, 'protocol');
	});

await tally.test('a replica that is not there', async () => {
	behave(null);
	await sleep(1500); // what broke off before is asked again
	await replicas[1].stop();
	for (const [method, path] of [['GET', '/networks'], ['POST', '/subnets'], ['PUT', '/profiles/a'], ['DELETE', '/profiles/a'], ['POST', '/subnets/x/measurements']])
		for (let i = 0; i < 4; i++) equal((await proxy.ask(method, path)).status, 200, `${method} ${path}`);
	equal(replicas[0].seen.length, 20, 'requests that were sent');
});

await tally.test('no replica is there', async () => {
	await replicas[0].stop();
	for (const method of ['GET', 'PUT']) {
		const reply = await proxy.ask(method, '/networks');
		equal(reply.status, 503, 'status');
		equal(problem(reply), '/problems/unavailable', 'problem');
	}
});

// ---- before an ofad ----

const world = new World();
const daemon = await world.start('proxied');
const token = (...scopes) =>
	execFileSync(OFAD, ['token', 'add', '--data', daemon.data, ...scopes.flatMap((s) => ['--scope', s])], {
		stdio: ['ignore', 'pipe', 'ignore'],
	}).toString().trim();
const provision = token('provision'), writer = token('profiles:write', 'admin'), profiles = token('profiles:write');
const front = await Proxy.start([`127.0.0.1:${daemon.port}`]);
const as = (who, headers = {}) => ({ headers: { Authorization: `Bearer ${who}`, ...headers } });

const made = await front.ask('POST', '/subnets', { ...as(provision, { 'Content-Type': 'application/json' }), body: '{"limits":{"macs":2000000}}' });
const path = made.headers['content-location'];
const sha256 = createHash('sha256').update(made.body).digest('hex');

// Audit records of this request.
const audited = (id) =>
	readFileSync(`${daemon.data}/audit.jsonl`, 'utf8').split('\n').filter((line) => line.includes(`"request":"${id}"`)).length;

await tally.test('a package comes through', async () => {
	equal(made.status, 200, 'status');
	equal(path, `/subnets/${sha256}`, 'address');
});

await tally.test('a package is kept, and is the same', async () => {
	const first = await front.ask('GET', path, as(provision, { 'X-Request-Id': 'first' }));
	const second = await front.ask('GET', path, as(provision, { Accept: '*/*', 'X-Request-Id': 'second' }));
	equal(first.headers['x-cache'], 'MISS', 'the first');
	equal(second.headers['x-cache'], 'HIT', 'the second');
	check(first.body.equals(made.body) && second.body.equals(made.body), 'other bytes');
	for (const name of ['etag', 'repr-digest', 'cache-control', 'vary', 'content-type'])
		equal(second.headers[name], first.headers[name], name);
	equal(second.headers['x-request-id'], 'second', 'X-Request-Id');
});

await tally.test('who takes a kept package is in the audit log', async () => {
	await eventually(() => audited('second'), (n) => n === 1, 'one record');
});

await tally.test('ranges of a kept package', async () => {
	const etag = `"sha256-${sha256}"`, half = made.body.length >> 1;
	const part = await front.ask('GET', path, as(provision, { Range: `bytes=${half}-`, 'If-Range': etag }));
	equal(part.status, 206, 'status');
	equal(part.headers['x-cache'], undefined, 'where from');
	check(part.body.equals(made.body.subarray(half)), 'other bytes');
	equal(part.headers['content-range'], `bytes ${half}-${made.body.length - 1}/${made.body.length}`, 'Content-Range');
	const other = await front.ask('GET', path, as(provision, { Range: `bytes=${half}-`, 'If-Range': '"other"' }));
	equal(other.status, 200, 'with the tag of another');
	equal((await front.ask('GET', path, as(provision, { Range: 'bytes=999999999-' }))).status, 416, 'beyond the end');
	equal((await front.ask('GET', path, as(provision, { 'If-None-Match': etag }))).status, 304, 'known');
});

for (const [who, headers, status] of [
	['nobody', {}, 401],
	['an invented token', as('ofad_' + 'A'.repeat(43)).headers, 401],
	['one who may not', as(profiles).headers, 403],
])
	await tally.test(`a kept package is not for ${who}`, async () => {
		const reply = await front.ask('GET', path, { headers });
		equal(reply.status, status, 'status');
		check(reply.headers['www-authenticate'], 'no challenge');
		check(/^application\/problem\+json/.test(reply.headers['content-type']), 'no problem');
		check(!reply.body.includes(made.body.subarray(0, 64)), 'bytes of the package');
	});

await tally.test('a token that was revoked', async () => {
	const lost = token('provision'), id = createHash('sha256').update(lost).digest('hex').slice(0, 12);
	equal((await front.ask('GET', path, as(lost))).headers['x-cache'], 'HIT', 'before');
	execFileSync(OFAD, ['token', 'revoke', id, '--data', daemon.data], { stdio: 'ignore' });
	equal((await front.ask('GET', path, as(lost))).status, 401, 'after');
});

await tally.test('formats are kept apart', async () => {
	const types = [PACKAGE, 'application/onnx', 'application/vnd.tflite', `application/onnx;q=0.5, ${PACKAGE}`];
	for (const round of ['first', 'second'])
		for (const type of types) {
			const reply = await front.ask('GET', path, as(provision, { Accept: type }));
			equal(reply.status, 200, `${round}, ${type}`);
			equal(reply.headers['content-type'], type.includes(',') ? PACKAGE : type, `${round}, type`);
		}
	equal((await front.ask('GET', path, as(provision, { Accept: 'text/html' }))).status, 406, 'no such format');
});

await tally.test('a package that is nowhere', async () => {
	const reply = await front.ask('GET', `/subnets/${'0'.repeat(64)}`, as(provision));
	equal(reply.status, 404, 'status');
	equal(problem(reply), '/problems/not-found', 'problem');
});

await tally.test('HEAD of a package', async () => {
	const reply = await front.ask('HEAD', path, as(provision));
	equal(reply.status, 200, 'status');
	equal(Number(reply.headers['content-length']), made.body.length, 'length');
});

await tally.test('events come as they happen', async () => {
	// more than there are workers, so that one waits
	const replies = await Promise.all(Array.from({ length: 16 }, (_, seed) => front.ask('POST', '/subnets', {
		...as(provision, { 'Content-Type': 'application/json', Accept: 'application/json', Prefer: 'respond-async, wait=0' }),
		body: JSON.stringify({ profile: world.profile, limits: { macs: 3000000 }, seed: seed + 1 }),
	})));
	const asked = replies.find((reply) => reply.status === 202);
	check(asked, `no job: ${replies.map((reply) => reply.status)}`);
	const events = await front.ask('GET', `${asked.headers.location}/events`, as(writer));
	equal(events.headers['content-type'].split(';')[0], 'text/event-stream', 'type');
	check(/event: end/.test(events.body), `no end: ${events.body}`);
});

await tally.test('the dashboard, as it was compressed', async () => {
	const page = await front.ask('GET', '/', { headers: { Accept: 'text/html', 'Accept-Encoding': 'gzip' } });
	equal(page.headers['content-encoding'], 'gzip', 'coding');
	check(page.headers['content-security-policy'], 'no policy');
});

await daemon.stop();
tally.end();
