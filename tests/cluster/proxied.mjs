// What clients of three replicas have of nginx: HTTP/2 and TLS, packages that it keeps for those who may have them,
// events as they happen, profiles as large as they may be.
import http from 'node:http';
import http2 from 'node:http2';
import { NEW, ask, check, digestOf, equal, makeToken, prove, question, replicas, revoke, tokenId, until } from './lib.mjs';

const PROFILE_MAX = 8 << 20;
const bearer = (token) => ({ Authorization: `Bearer ${token}` });

// A session of HTTP/2, on which several requests go at once.
function session(nginx) {
	const client = http2.connect(`https://localhost:${nginx.tlsPort}`, { ca: nginx.certificate });
	const send = (headers, body) =>
		new Promise((resolve, reject) => {
			const stream = client.request(headers, { endStream: body === undefined });
			const chunks = [];
			let head;
			stream.on('response', (answer) => (head = answer));
			stream.on('data', (chunk) => chunks.push(chunk));
			stream.on('error', reject);
			stream.on('end', () => resolve({ status: head[':status'], headers: head, body: Buffer.concat(chunks) }));
			if (body !== undefined) stream.end(body);
		});
	return { client, send };
}

async function overHttp2(tally, { nginx }, token) {
	const { client, send } = session(nginx);
	await tally.test('HTTP/2 over TLS', async () => {
		const bodies = await Promise.all(
			Array.from({ length: 20 }, (_, i) =>
				send(
					{ ':method': 'POST', ':path': '/subnets', 'content-type': 'application/json', ...lower(bearer(token)) },
					JSON.stringify(question(i % 4)),
				),
			),
		);
		for (const { status, headers, body } of bodies) {
			equal(status, 200, 'status');
			equal(headers['content-location'], `/subnets/${digestOf(body)}`, 'Content-Location');
		}
		equal(new Set(bodies.map(({ body }) => digestOf(body))).size, 4, 'packages');
		check(client.alpnProtocol === 'h2', client.alpnProtocol);
	});
	client.close();
}
const lower = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

async function kept(tally, together, admin) {
	const get = (path, headers, options) =>
		new Promise((resolve, reject) => {
			const options_ = { host: '127.0.0.1', port: together.port, path, headers, agent: false, ...options };
			http.get(options_, (reply) => {
				const chunks = [];
				reply.on('data', (chunk) => chunks.push(chunk));
				reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(chunks) }));
			}).on('error', reject);
		});
	const token = await makeToken(together, 'provision');
	const made = JSON.parse((await ask(together, question(50), bearer(token))).body).id;
	const path = `/subnets/${made}`;
	await tally.test('a package is kept by nginx', async () => {
		const first = await get(path, bearer(token));
		equal(first.headers['x-cache'], 'MISS', 'at first');
		const second = await get(path, bearer(token));
		equal(second.headers['x-cache'], 'HIT', 'then');
		equal(digestOf(second.body), made, 'digest');
		equal(second.headers.etag, first.headers.etag, 'ETag');
		check(/immutable/.test(second.headers['cache-control']), second.headers['cache-control']);
	});
	await tally.test('a kept package is for those who may have it', async () => {
		equal((await get(path, {})).status, 401, 'without a token');
		equal((await get(path, bearer(`ofad_${'A'.repeat(43)}`))).status, 401, 'with an invented one');
		equal((await get(path, bearer(await makeToken(together, 'profiles:write')))).status, 403, 'without the scope');
		equal((await get(path, bearer(admin))).status, 200, 'with the scope');
	});
	await tally.test('a kept package is not for a token that was revoked', async () => {
		revoke(together, tokenId(together, 'provision'));
		await until(() => get(path, bearer(token)), (reply) => reply.status === 401, 'it is refused');
		for (let i = 0; i < 12; i++) equal((await get(path, bearer(token))).status, 401, `call ${i}`);
	});
}

// The first events are there while the job goes on: nothing waits for the end.
async function events(tally, together, token, profile) {
	await tally.test('events come as they happen', async () => {
		const headers = { ...NEW, ...bearer(token) };
		const put = { method: 'PUT', path: '/profiles/lab/slow', headers, body: JSON.stringify(profile) };
		equal((await together.exchange(put)).status, 201, 'profile');
		const limits = { latency_ms: 0.12 };
		const asked = await ask(together, { profile: 'lab/slow', limits }, { ...bearer(token), Prefer: 'respond-async' });
		equal(asked.status, 202, 'status');
		const job = JSON.parse(asked.body).links.self;
		const stream = await new Promise((resolve, reject) =>
			http.get({ host: '127.0.0.1', port: together.port, path: `${job}/events`, headers: bearer(token) }, resolve)
				.on('error', reject),
		);
		equal(stream.statusCode, 200, 'status of the events');
		let text = '';
		let early;
		for await (const chunk of stream) {
			text += chunk;
			early ??= JSON.parse((await together.exchange({ method: 'GET', path: job, headers: bearer(token) })).body).state;
		}
		check(/event: progress/.test(text) && /event: end/.test(text), text.slice(0, 300));
		check(['queued', 'running'].includes(early), `the first event came when the job was ${early}`);
	});
}

async function largest(tally, together, token, profile) {
	await tally.test('the largest profile, and one that is larger', async () => {
		const text = JSON.stringify(profile);
		const put = (path, size) =>
			together.exchange({
				method: 'PUT',
				path,
				headers: { ...NEW, ...bearer(token) },
				body: text + ' '.repeat(size - text.length),
			});
		equal((await put('/profiles/lab/large', PROFILE_MAX)).status, 201, 'as large as may be');
		const larger = await put('/profiles/lab/larger', PROFILE_MAX + 1);
		equal(larger.status, 413, 'larger');
		equal(JSON.parse(larger.body).type, '/problems/too-large', 'problem');
	});
}

await prove(async (tally) => {
	// fronts that take some seconds: what asks for latency waits for them
	const { world, together } = await replicas(['--front-evaluations', '3000000', '--event-ms', '50']);
	const admin = await makeToken(together, 'admin');
	const authorised = () => together.exchange({ method: 'GET', path: '/profiles' });
	await tally.test('every replica asks for tokens', () => until(async () => {
		const replies = await Promise.all(together.replicas.map((one) => one.exchange({ method: 'GET', path: '/profiles' })));
		return replies.map((reply) => reply.status).join();
	}, (statuses) => statuses === '401,401,401', 'they do'));
	equal((await authorised()).status, 401, 'nobody');
	await overHttp2(tally, together, admin);
	await kept(tally, together, admin);
	await events(tally, together, admin, world.profile);
	await largest(tally, together, admin, world.profile);
	await tally.test('they end as they should', async () => equal(await together.stop(), 0, 'end'));
});
