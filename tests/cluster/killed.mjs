// kill -9 of a replica in the middle of 100 downloads and 100 searches: every client comes to its end by itself, and
// has the bytes that it would have had otherwise.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { Daemon, SOURCE } from '../contract/lib/daemon.mjs';
import {
	Client,
	Mismatch,
	OFA,
	ask,
	check,
	digestOf,
	equal,
	prove,
	question,
	ready,
	replicas,
	sleep,
	trust,
	until,
} from './lib.mjs';

const DOWNLOADS = 100;
const SEARCHES = 100;
const MIDDLE = 150; // of them are left
const SLOW = 20;
const FETCH = join(SOURCE, 'tests/cluster/fetch');
// So that a download lasts for some seconds.
const RATE = '60k';

// The id of the answer to each question by one ofad that nobody disturbs.
async function undisturbed(world, questions) {
	const lone = new Daemon(world, 'lone', []);
	world.stopsAtEnd(lone);
	await lone.started();
	await lone.ready();
	const ids = await Promise.all(questions.map(async (one) => JSON.parse((await ask(lone, one)).body).id));
	await lone.stop();
	return ids;
}

// What is downloaded is more than nginx holds; int8 takes longest, so that searches wait for each other.
const asked = (n) =>
	n > DOWNLOADS ? { ...question(n), dtype: 'int8' } : { seed: n, limits: { macs: 4000000 + n * 10000 } };

// What a device with this question does, by itself.
function pull(world, url, n, file, keys) {
	const { seed, limits, dtype = 'float32' } = asked(n);
	const wanted = ['--seed', String(seed), '--limit', `macs=${limits.macs}`, '--dtype', dtype];
	return new Client(world, OFA, ['pull', url, ...wanted, '--trust', keys, '-o', file]);
}

// A device on a bad link, with no proxy that would take its part: after its first bytes from the replica that is killed
// it takes no more until `killed`, and goes on where it broke off at the next.  How often it had to.
async function takeSlowly(replicas, id, killed) {
	const parts = [];
	let size = 0;
	for (const [turn, { port }] of replicas.entries()) {
		const headers = size ? { Range: `bytes=${size}-`, 'If-Range': `"sha256-${id}"` } : {};
		const request = get({ host: '127.0.0.1', port, path: `/subnets/${id}`, headers, agent: false });
		try {
			const [response] = await once(request, 'response');
			equal(response.statusCode, size ? 206 : 200, 'status');
			for await (const part of response) {
				parts.push(part);
				size += part.length;
				await killed;
			}
			equal(digestOf(Buffer.concat(parts)), id, 'digest');
			return turn;
		} catch (error) {
			if (error instanceof Mismatch) throw error;
		}
	}
	throw new Mismatch(`no replica had the rest of ${id}`);
}

// A download that one replica began goes on at another, and is the same representation there.
async function resumed(together, dying, id) {
	const path = `/subnets/${id}`;
	const whole = await dying.exchange({ method: 'GET', path });
	const half = whole.body.length >> 1;
	const first = await dying.exchange({ method: 'GET', path, headers: { Range: `bytes=0-${half - 1}` } });
	await dying.stop('SIGKILL');
	const headers = { Range: `bytes=${half}-`, 'If-Range': first.headers.etag };
	for (const other of [...together.replicas.filter((one) => one.alive), together]) {
		const rest = await other.exchange({ method: 'GET', path, headers });
		equal(rest.status, 206, 'status of the rest');
		equal(rest.headers.etag, first.headers.etag, 'ETag');
		equal(digestOf(Buffer.concat([first.body, rest.body])), id, 'digest');
	}
}

await prove(async (tally) => {
	const { world, together } = await replicas();
	const url = `http://127.0.0.1:${together.port}`;
	const keys = await trust(world, together);
	const known = Array.from({ length: DOWNLOADS }, (_, i) => i + 1);
	const fresh = Array.from({ length: SEARCHES }, (_, i) => DOWNLOADS + i + 1);
	const ids = await undisturbed(world, [...known, ...fresh].map(asked));
	const idOf = (n) => ids[n - 1];

	await tally.test('three replicas answer as one ofad does', async () => {
		for (const n of known) equal(JSON.parse((await ask(together, asked(n))).body).id, idOf(n), `answer ${n}`);
	});

	const file = (n) => world.path(`${n}.ofa`);
	const clients = new Map();
	const alive = (numbers) => numbers.filter((n) => clients.get(n)?.alive).length;
	const victim = together.replicas[1];
	const kill = {};
	const killed = new Promise((resolve) => (kill.done = resolve));
	const order = [victim, ...together.replicas.filter((one) => one !== victim)];
	const slow = Promise.all(known.slice(0, SLOW).map((n) => takeSlowly(order, idOf(n), killed)));
	slow.catch(() => {}); // told below
	// all at once, so that most have begun and few have ended when it dies
	for (const [i, n] of fresh.entries()) {
		const download = known[i];
		clients.set(n, pull(world, url, n, file(n), keys));
		clients.set(
			download,
			download % 2
				? pull(world, url, download, file(download), keys)
				: new Client(world, FETCH, [`${url}/subnets/${idOf(download)}`, file(download), RATE]),
		);
	}
	await tally.test('a replica is killed in the middle', async () => {
		await until(() => alive(known) + alive(fresh), (n) => n <= MIDDLE, 'some clients have ended');
		const left = [alive(known), alive(fresh)];
		equal(await victim.stop('SIGKILL'), 'SIGKILL', 'end');
		kill.done();
		console.log(`killed with ${left[0]} downloads and ${left[1]} searches under way`);
		check(left[0] > 0 && left[1] > 0, 'nothing was under way');
	});

	await tally.test('those with a bad link go on elsewhere', async () => {
		const turns = await slow;
		check(turns.every((n) => n === 1), `times that each had to: ${turns}`);
	});
	for (const [n, client] of clients)
		await tally.test(`client ${n} ends by itself`, async () => {
			const how = await Promise.race([client.ended, sleep(120000, 'never')]);
			check(how === 0, `${client.what} ended with ${how}: ${client.output.slice(-500)}`);
		});
	const again = [...clients.values()].filter((client) => /goes on|again|retry/.test(client.output)).length;
	console.log(`${again} of ${clients.size} clients had to try again`);

	for (const n of clients.keys())
		await tally.test(`package ${n}`, async () => {
			equal(digestOf(readFileSync(file(n))), idOf(n), 'digest');
			if (n <= DOWNLOADS && n % 2 === 0) {
				const path = `/subnets/${idOf(n)}/signed-manifest`;
				writeFileSync(`${file(n)}.signed`, (await together.exchange({ method: 'GET', path })).body);
			}
			execFileSync(OFA, ['verify', file(n), '--trust', keys], { stdio: 'pipe' });
		});

	await tally.test('the replica comes back', async () => {
		await together.replace(1);
		await until(() => ready(together.replicas[1]), (status) => status === 200, 'it is ready');
		equal(JSON.parse((await ask(together.replicas[1], asked(3))).body).id, idOf(3), 'its answer');
	});
	await tally.test('a download goes on at another replica', () => resumed(together, together.replicas[1], idOf(1)));
	await tally.test('the others end as they should', async () => {
		for (const one of together.replicas.filter((each) => each.alive)) equal(await one.stop(), 0, one.name);
	});
});
