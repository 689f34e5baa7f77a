// Answers that take longer than a client waits, and requests that are repeated.
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from '../lib/database.mjs';
import { check, eventually } from '../lib/suite.mjs';

// The front of the profile takes some seconds, and what asks for latency waits for it.
const LONG = ['--front-evaluations', '3000000', '--event-ms', '50'];
// Two of them at once, 2 or 3 s of processor time each, beside whatever else the machine does.
const FRONTS_MS = 180000;
const SLOW = { profile: 'acme/cam-m7', limits: { latency_ms: 0.12 } };
const KEY = { 'Idempotency-Key': '"a-key"' };
const ASYNC = { Prefer: 'respond-async' };

const job = (suite, daemon, op, want, id, headers) => suite.call(daemon, op, want, { path: { job: id }, headers });

// From here on, for a second at the least.
const longFront = (suite, daemon, name) =>
	suite.call(daemon, 'putProfile', 201, {
		path: { name },
		body: { ...suite.world.profile, name },
		headers: { 'If-None-Match': '*' },
	});

// A job that has succeeded; while nobody can write, no answer is complete.
export async function finishedJob(suite, daemon) {
	const unlock = await lock(daemon);
	const { json } = await suite.call(daemon, 'postSubnet', 202, { body: { seed: 4 }, headers: ASYNC });
	unlock();
	await eventually(
		() => job(suite, daemon, 'getJob', 200, json.id),
		(r) => r.json.state === 'succeeded',
		'a job ends',
	);
	return json.id;
}

async function cancelled(suite, daemon) {
	const { headers, json } = await suite.call(daemon, 'postSubnet', 202, { body: SLOW, headers: ASYNC });
	check(headers.location === json.links.self, `Location is ${headers.location}`);
	const running = await job(suite, daemon, 'getJob', 200, json.id);
	check(['queued', 'running'].includes(running.json.state), `it is ${running.json.state}`);
	check(running.json.poll_after_s === Number(running.headers['retry-after']), 'another pace');
	const end = await job(suite, daemon, 'cancelJob', 200, json.id);
	check(end.json.state === 'cancelled', `it is ${end.json.state}`);
}

async function keys(suite, daemon) {
	const post = (want, headers, body = { seed: 6 }) =>
		suite.call(daemon, 'postSubnet', want, { body, headers: { ...KEY, ...headers } });
	const unlock = await lock(daemon);
	const waiting = post(202, { Prefer: 'wait=1' });
	await sleep(300);
	const busy = await post({ status: 409, slug: 'idempotency-key-busy', field: 'Idempotency-Key' });
	check(busy.headers['retry-after'], 'no Retry-After');
	const first = await waiting;
	check(first.headers['preference-applied'] === 'wait=1', `applied: ${first.headers['preference-applied']}`);
	const again = await post(202);
	unlock();
	check(again.headers.location === first.headers.location, 'another job');
	await post({ status: 422, slug: 'idempotency-key-used', field: 'Idempotency-Key' }, {}, {});
	await job(suite, daemon, 'cancelJob', 200, again.json.id);
}

async function measurementKeys(suite, daemon) {
	const { json } = await suite.call(daemon, 'postSubnet', 200, {
		body: { seed: 5 },
		headers: { Accept: 'application/json' },
	});
	const post = (want) =>
		suite.call(daemon, 'postMeasurement', want, {
			path: { id: json.id },
			body: { latency_ms: 1 },
			headers: KEY,
		});
	const unlock = await lock(daemon);
	const waiting = post(201);
	await sleep(300);
	await post({ status: 409, slug: 'idempotency-key-busy' });
	unlock();
	const first = await waiting;
	const again = await post(201);
	check(
		again.headers.location === first.headers.location && again.body.equals(first.body),
		'another measurement',
	);
}

async function events(suite, daemon) {
	await longFront(suite, daemon, 'acme/events');
	const { json } = await suite.call(daemon, 'postSubnet', 202, {
		body: { ...SLOW, profile: 'acme/events' },
		headers: ASYNC,
	});
	const listen = (want, headers) => job(suite, daemon, 'getJobEvents', want, json.id, headers);
	const whole = { path: { job: json.id }, timeout: FRONTS_MS };
	const { body } = await suite.call(daemon, 'getJobEvents', 200, whole);
	const all = [...body.toString().matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)];
	const [, last, name, data] = all.at(-1);
	check(all.length > 3 && all.slice(0, -1).every((e) => e[2] === 'progress'), `${all.length} events`);
	check(name === 'end' && JSON.parse(data).state === 'succeeded', `the last one is ${name}, ${data}`);
	await listen(204, { 'Last-Event-ID': last });
	await listen({ status: 422, slug: 'invalid-value', field: 'Last-Event-ID' }, { 'Last-Event-ID': 'x' });
}

export async function jobs(suite) {
	const daemon = await suite.world.start('jobs', LONG);
	const run = (name, scenario) => suite.test(name, () => scenario(suite, daemon));

	await run('postMeasurement: the same key twice', measurementKeys);
	await suite.test('putProfile: with a long front', () => longFront(suite, daemon, SLOW.profile));
	await run('postSubnet: a job that is cancelled', cancelled);
	await run('postSubnet: the same key twice', keys);
	await run('getJobEvents: to the end', events);
	await suite.test('postSubnet: an answer within the wait', async () => {
		const { headers } = await suite.call(daemon, 'postSubnet', 200, {
			body: { seed: 3 },
			headers: { Prefer: 'wait=20' },
		});
		check(headers['preference-applied'] === 'wait=20', `applied: ${headers['preference-applied']}`);
	});
	await daemon.stop();
}
