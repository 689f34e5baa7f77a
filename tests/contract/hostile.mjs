// Requests that no honest client sends, made up from the document by a seed: each is answered by a problem, or by what
// the document promises where it happens to be a good one; the server neither fails nor ends nor hangs, and gives the
// same answers afterwards as before.
//   OFA_SEED      of the run (default: the time)
//   OFA_SECONDS   how long (default 20)
//   OFA_CASE      only this one
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checker } from './lib/check.mjs';
import { parseReply, rawExchange } from './lib/client.mjs';
import { Coverage } from './lib/coverage.mjs';
import { lock } from './lib/database.mjs';
import { Document } from './lib/document.mjs';
import { hostileFields, hostileMessage, hostileQuery, hostileText } from './lib/hostile_http.mjs';
import { changeBytes, hostileJson } from './lib/hostile_json.mjs';
import { Judge } from './lib/judge.mjs';
import { caseRandom } from './lib/random.mjs';
import { SOURCE, World } from './lib/world.mjs';
import { makeToken } from './scenarios/access.mjs';

const SEED = Number(process.env.OFA_SEED ?? Date.now() % 1e9);
const SECONDS = Number(process.env.OFA_SECONDS ?? 20);
const ONLY = process.env.OFA_CASE;
const CONNECTIONS = 8;
const HANG_MS = 30000; // a sanitized build on a busy machine takes its time
const PATIENCE_MS = 700;
const HEAD_MAX = 4000; // of a header section that there is room for in any case
// libmicrohttpd takes cookies apart though nobody asks for them; without room for that it ends the connection, or says
// 431 itself.
const COOKIES = /^Cookie:.{500}/im;
// A head so long that it fills the memory of its connection (16 KiB) leaves no room for the head of an answer: then
// libmicrohttpd ends the connection.  One that is longer still gets its 414 or 431.
const HEAD_FULL = 14000;
const PROBE_EVERY = 200;
const SETTLE_MS = 5000;

class Hostility {
	passed = 0;
	faults = [];
	statuses = new Map();

	constructor(document, daemon, guarded, samples, known) {
		this.document = document;
		this.daemon = daemon;
		this.guarded = guarded;
		this.samples = samples;
		this.known = known;
		this.checker = new Checker(document, new Coverage(document));
		this.judge = new Judge(document, this.checker);
		const all = [...document.operations.values()];
		this.plain = all.filter((op) => op.method !== 'DELETE');
		this.withBody = all.filter((op) => Object.keys(op.bodies).length);
		this.targets = all.map((op) => document.path(op, known));
	}

	async run(n) {
		const random = caseRandom(SEED, n);
		const kind = random.next();
		const faults =
			kind < 0.5
				? await this.body(random)
				: kind < 0.75
					? await this.parameters(random)
					: await this.message(random);
		if (!faults.length) this.passed++;
		for (const fault of faults) this.faults.push(`case ${n}: ${fault}`);
	}

	#count(reply) {
		const status = reply?.status ?? 'none';
		this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
	}

	async message(random) {
		const message = hostileMessage(random, this.targets);
		const { bytes, method } = message;
		const exchanged = await rawExchange(this.daemon.port, bytes, {
			silence: HANG_MS,
			patience: PATIENCE_MS,
			method,
		});
		const reply = parseReply(exchanged.bytes, method);
		this.#count(reply);
		return this.#tell(this.judge.messageFaults(message, exchanged, reply), bytes);
	}

	async parameters(random) {
		const operation = random.pick(this.plain);
		const { port } = random.chance(0.2) ? this.guarded : this.daemon;
		const named = (place) => operation.parameters.filter((p) => p.in === place).map((p) => p.name);
		const path = { ...this.known };
		if (named('path').length && random.chance(0.4))
			path[random.pick(named('path'))] = encodeURI(hostileText(random));
		const query = random.chance(0.7) ? `?${hostileQuery(random, named('query'))}` : '';
		const fields = random.chance(0.7) ? hostileFields(random, named('header')) : [];
		const type = Object.keys(operation.bodies)[0];
		return this.operation(
			operation,
			this.document.path(operation, path) + query,
			fields,
			type
				? {
						type,
						body: Buffer.from(
							JSON.stringify(random.pick(this.samples[operation.id])),
						),
						good: true,
					}
				: {},
			port,
		);
	}

	async body(random) {
		const operation = random.pick(this.withBody);
		const sample = random.pick(this.samples[operation.id]);
		const type = random.chance(0.85) ? 'application/json' : random.pick(Object.keys(operation.bodies));
		const body =
			type === 'application/json'
				? hostileJson(random, sample)
				: changeBytes(random, Buffer.from(JSON.stringify(sample, null, 1)));
		return this.operation(operation, this.document.path(operation, this.known), ['If-Match: *'], {
			type,
			body,
		});
	}

	async operation(operation, target, fields, { type, body, good }, port = this.daemon.port) {
		const content = body ? [`Content-Type: ${type}`, `Content-Length: ${body.length}`] : [];
		// a field that is there twice by chance is another test
		const own = fields.filter((line) => !/^(Content-Type|Host|Expect):/i.test(line));
		const head = [`${operation.method} ${target} HTTP/1.1`, 'Host: x', ...own, ...content, '', ''].join(
			'\r\n',
		);
		const bytes = Buffer.concat([Buffer.from(head, 'latin1'), body ?? Buffer.alloc(0)]);
		const exchanged = await rawExchange(port, bytes, { silence: HANG_MS });
		const reply = parseReply(exchanged.bytes);
		this.#count(reply);
		const request = {
			type,
			body: good ? null : body,
			large: head.length > HEAD_MAX,
			full: head.length > HEAD_FULL,
			cookies: COOKIES.test(head),
		};
		return this.#tell(this.judge.operationFaults(operation, request, exchanged, reply), bytes);
	}

	#tell(faults, bytes) {
		if (ONLY !== undefined)
			process.stdout.write(`${bytes.toString('latin1').slice(0, 4000)}\n(${bytes.length} bytes)\n`);
		return faults.map((fault) => `${JSON.stringify(bytes.toString('latin1').slice(0, 60))}: ${fault}`);
	}
}

// Bodies to start from: the document's examples, and some that have everything.
function samplesOf(document, profile) {
	const samples = {};
	for (const op of document.operations.values())
		if (Object.keys(op.bodies).length)
			samples[op.id] = Object.values(op.bodies).flatMap((media) => media.examples);
	const [resolution, rows] = Object.entries(profile.latency_table.entries)[0];
	const some = Object.fromEntries(Object.entries(rows).slice(0, 3));
	const limits = { latency_ms: 50, macs: 9e6, peak_memory_bytes: 2e5, storage_bytes: 2e6 };
	const small = {
		name: 'acme/cam-m7',
		description: 'd',
		limits,
		latency_table: { unit: 'ms', runtime: 'r', entries: { [resolution]: some } },
	};
	samples.putProfile.push(
		small,
		{ ...profile, name: 'acme/cam-m7' },
		{ unit: 'us', ...rows },
		{ unit: 'ms', [resolution]: rows },
	);
	for (const id of ['postSubnet', 'postSearch'])
		samples[id].push(
			{ network: 'fashion', profile: 'acme/cam-m7', limits, seed: 7 },
			{ profile: small, limits },
			{ profile, seed: 1 },
		);
	return samples;
}

// What must be the same before and after.
async function snapshot(daemon) {
	const ask = async (method, path, body) => {
		const headers = body ? { 'Content-Type': 'application/json', Accept: 'application/json' } : {};
		const reply = await daemon.exchange({ method, path, headers, body });
		return `${reply.status} ${reply.body}`;
	};
	return [
		await ask('GET', '/networks/fashion'),
		await ask('GET', '/profiles/keep/me'),
		await ask('POST', '/subnets', '{"profile":"keep/me","seed":5}'),
		await ask('POST', '/subnets', '{"limits":{"macs":5e6}}'),
	].join('\n');
}

// Something behind every path of the document.
async function prepare(world, daemon, known) {
	const send = async (method, path, body, more) => {
		const headers = { 'Content-Type': 'application/json', Accept: 'application/json', ...more };
		return (await daemon.exchange({ method, path, headers, body: JSON.stringify(body) })).body;
	};
	for (const name of ['keep/me', 'acme/cam-m7']) await send('PUT', `/profiles/${name}`, world.profile);
	known.id = JSON.parse(await send('POST', '/subnets', {})).id;
	known.number = JSON.parse(await send('POST', `/subnets/${known.id}/measurements`, { latency_ms: 1 })).number;
	const unlock = await lock(daemon); // without which the answer is there too soon for a job
	known.job = JSON.parse(await send('POST', '/subnets', { seed: 9 }, { Prefer: 'respond-async' })).id;
	unlock();
}

// Requests that the server counts as under way, this one aside; waits for those that are ending.
async function unfinished(daemon) {
	let left = 0;
	for (const end = Date.now() + SETTLE_MS; Date.now() < end; await sleep(100)) {
		const headers = daemon.token ? { Authorization: `Bearer ${daemon.token}` } : {};
		const { body } = await daemon.exchange({ method: 'GET', path: '/metrics', headers });
		left = Number(/^ofad_http_requests_in_flight\{listener="main"\} (\d+)$/m.exec(body)[1]) - 1;
		if (left === 0) break;
	}
	return left;
}

// What is wrong with a server that has been through it all.
async function end(daemon) {
	if (!daemon.alive) return [`ofad is gone: ${daemon.logTail()}`];
	const faults = [];
	const left = await unfinished(daemon);
	if (left) faults.push(`${left} requests never end`);
	const how = await daemon.stop();
	if (how !== 0) faults.push(`ofad ended with ${how}: ${daemon.logTail()}`);
	if (/runtime error|Sanitizer/.test(readFileSync(daemon.log, 'utf8')))
		faults.push(`a sanitizer complains: ${daemon.logTail()}`);
	return faults;
}

async function attack(hostility, daemon) {
	const end = Date.now() + SECONDS * 1000;
	let next = 0;
	const one = async () => {
		while (Date.now() < end && daemon.alive && hostility.faults.length < 20) {
			const n = next++;
			if (n % PROBE_EVERY === 0) {
				const reply = await daemon.exchange({
					method: 'GET',
					path: '/healthz',
					timeout: HANG_MS,
				});
				if (reply.status !== 200)
					hostility.faults.push(`before case ${n}: /healthz says ${reply.status}`);
			}
			await hostility.run(n);
		}
	};
	if (ONLY !== undefined) return hostility.run(Number(ONLY));
	return Promise.all(Array.from({ length: CONNECTIONS }, one));
}

async function main() {
	const document = new Document(join(SOURCE, 'openapi/openapi.yaml'));
	const world = new World();
	const daemon = await world.start('hostile', [], { keys: true });
	const guarded = await world.start('guarded'); // which knows nobody who calls
	const known = {};
	guarded.token = makeToken(guarded, 'read');
	console.log(`seed ${SEED}`);
	await prepare(world, daemon, known);
	for (const [name, value] of Object.entries(known))
		if (!value) throw new Error(`there is no ${name} to ask for`);
	const hostility = new Hostility(document, daemon, guarded, samplesOf(document, world.profile), known);
	const before = await snapshot(daemon);

	await attack(hostility, daemon).catch((error) => hostility.faults.push(error.stack));
	if (daemon.alive && (await snapshot(daemon)) !== before)
		hostility.faults.push('equal questions have other answers afterwards');
	for (const one of world.daemons) hostility.faults.push(...(await end(one)));

	for (const fault of hostility.faults) console.log(`FAIL ${fault}`);
	if (hostility.faults.length) console.log(`to repeat: OFA_SEED=${SEED} OFA_CASE=N tests/contract/run hostile`);
	const statuses = [...hostility.statuses]
		.sort()
		.map(([status, n]) => `${status}: ${n}`)
		.join(', ');
	console.log(`answers by status: ${statuses}`);
	console.log(`${hostility.passed} passed, ${hostility.faults.length} failed`);
	process.exit(hostility.faults.length > 0 ? 1 : 0);
}

await main();
