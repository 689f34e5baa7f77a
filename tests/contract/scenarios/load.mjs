// A server that was asked too much, one that has no room, and one that is shutting down.
import { Agent } from 'node:http';
import { lock } from '../lib/database.mjs';
import { check, eventually } from '../lib/suite.mjs';

const DRAIN_SECONDS = 8;
const ONE_OF_ALL = ['--workers', '1', '--max-queue', '1', '--drain-seconds', String(DRAIN_SECONDS)];
// Answered by the HTTP threads themselves: there is always room.
const AT_ONCE = [
	'getJob',
	'cancelJob',
	'getJobEvents',
	'getReady',
	'getMetrics',
	'getLedger',
	'listNetworks',
	'getNetwork',
];

// How many tasks of all classes run, and how many wait.
async function workload(suite, daemon) {
	const { body } = await suite.call(daemon, 'getMetrics', 200);
	const sum = (family) =>
		[...body.toString().matchAll(new RegExp(`^${family}{.*pool="requests".*} (\\d+)$`, 'gm'))].reduce(
			(total, [, n]) => total + Number(n),
			0,
		);
	return { running: sum('ofad_workers_busy'), waiting: sum('ofad_queue_length') };
}

// Every thread waits for the database, and a request waits in the only place of each queue.
async function occupy(suite, daemon) {
	const NEW = { 'If-None-Match': '*' };
	const steps = [
		['putProfile', { path: { name: 'a' }, headers: NEW }, 1, 0],
		['putProfile', { path: { name: 'b' }, headers: NEW }, 2, 0],
		['putProfile', { path: { name: 'c' }, headers: NEW }, 2, 1],
		['getPareto', { query: { metric: 'macs' } }, 2, 2],
		['getSamples', {}, 2, 3],
	];
	for (const [id, request, running, waiting] of steps) {
		daemon.exchange(suite.request(daemon, id, request)).catch(() => {});
		await eventually(
			() => workload(suite, daemon),
			(w) => w.running === running && w.waiting === waiting,
			`${running} tasks running and ${waiting} waiting`,
		);
	}
}

// One request a second from this address, and no more at once.
const SLOW = ['--limit-loopback', '--rate-per-address', '1', '--burst-per-address', '1'];

export async function limits(suite) {
	const daemon = await suite.world.start('limited', SLOW);
	for (const op of suite.document.operations.values()) {
		if (!op.responses.has('429')) continue;
		await suite.test(`${op.id}: one too many`, async () => {
			for (const one of daemon.replicas) await one.exchange({ method: 'GET', path: '/problems' });
			await suite.call(daemon, op.id, { status: 429, slug: 'too-many-requests' });
		});
	}
}

export async function load(suite) {
	const daemon = await suite.world.start('busy', ONE_OF_ALL, { keys: true, own: true });
	const unavailable = [...suite.document.operations.values()].filter((op) => op.responses.has('503'));
	const connections = new Map(
		['watch', ...unavailable.map((op) => op.id)].map((name) => [
			name,
			new Agent({ keepAlive: true, maxSockets: 1 }),
		]),
	);
	const unlock = await lock(daemon);
	// nothing that is in memory, which is served whatever the load
	const path = { id: '0'.repeat(64) };

	for (const agent of connections.values())
		await daemon.replicas[0].exchange({ method: 'GET', path: '/healthz', agent });
	await suite.test('all threads and queues taken', () => occupy(suite, daemon));
	for (const op of unavailable.filter((o) => !AT_ONCE.includes(o.id)))
		await suite.test(`${op.id}: a full queue`, () =>
			suite.call(daemon, op.id, { status: 503, slug: 'overload' }, { path }),
		);
	await suite.test('getHealth: under load', () => suite.call(daemon, 'getHealth', 200));
	await suite.test('getMetrics: under load', () => suite.call(daemon, 'getMetrics', 200));

	await suite.test('shutting down', async () => {
		// whoever sends requests to it sends them elsewhere by now
		const [one] = daemon.replicas;
		const ended = daemon.stop('SIGTERM');
		await eventually(
			() => one.exchange({ method: 'GET', path: '/readyz', agent: connections.get('watch') }),
			(r) => r.status === 503,
			'it drains',
		);
		const ask = (id, want) => suite.call(one, id, want, { path, agent: connections.get(id) });
		const ready = await ask('getReady', 503);
		check(ready.json.status === 'draining', `ready says ${ready.json.status}`);
		await ask('postSubnet', { status: 503, slug: 'draining' });
		unlock();
		const how = await ended;
		check(how === 0, `ofad ended with ${how}: ${daemon.logTail()}`);
	});
	connections.forEach((agent) => agent.destroy());
}
