// PostgreSQL goes away and comes back under load: what was acknowledged is there, all else was told to come again, and
// the same processes go on.
import { Agent } from 'node:http';
import { Load, NEW, JSON_TYPE, ask, check, digestOf, equal, prove, question, ready, replicas, sleep, until } from './lib.mjs';

const WRITERS = 9;

// Writers of three kinds, and what each was told.
class Writers {
	acknowledged = { profile: [], measurement: [], subnet: [] };
	refused = { profile: 0, measurement: 0, subnet: 0 };
	#agent = new Agent({ keepAlive: true });
	#seed = 1000;

	constructor(together, subnet, profile) {
		this.together = together;
		this.subnet = subnet;
		this.profile = profile;
		const kinds = Object.keys(this.acknowledged);
		this.load = new Load(WRITERS, (caller, turn) => this.#write(kinds[caller % kinds.length], `${caller}-${turn}`));
	}

	#request(kind, name) {
		if (kind === 'profile')
			return { method: 'PUT', path: `/profiles/load/${name}`, headers: NEW, body: JSON.stringify(this.profile) };
		if (kind === 'measurement')
			return {
				method: 'POST',
				path: `/subnets/${this.subnet}/measurements`,
				headers: JSON_TYPE,
				body: JSON.stringify({ latency_ms: 2, device: `board-${name}` }),
			};
		return {
			method: 'POST',
			path: '/subnets',
			headers: { ...JSON_TYPE, Accept: 'application/json', Prefer: 'wait=30' },
			body: JSON.stringify(question(this.#seed++)),
		};
	}

	async #write(kind, name) {
		const request = this.#request(kind, name);
		const reply = await this.together.exchange({ ...request, agent: this.#agent });
		if (reply.status === 503) {
			check(reply.headers['retry-after'] >= 1, `${request.method} ${request.path}: 503 without Retry-After`);
			this.refused[kind]++;
			return sleep(50);
		}
		check(
			[200, 201].includes(reply.status),
			`${request.method} ${request.path}: ${reply.status} ${reply.body.toString('latin1').slice(0, 200)}`,
		);
		const told = { profile: () => name, measurement: () => reply.headers.location, subnet: () => JSON.parse(reply.body).id };
		this.acknowledged[kind].push(told[kind]());
	}

	// Until each kind was acknowledged as often again as this.
	more(n) {
		const before = Object.values(this.acknowledged).map((list) => list.length);
		return until(
			() => Object.values(this.acknowledged).map((list) => list.length),
			(now) => now.every((length, i) => length >= before[i] + n),
			'writes of each kind are acknowledged',
		);
	}

	// Until each kind was refused.
	refusals() {
		const before = Object.values(this.refused);
		return until(
			() => Object.values(this.refused),
			(now) => now.every((n, i) => n > before[i]),
			'writes of each kind are refused',
		);
	}
}

async function present(tally, together, { profile, measurement, subnet }) {
	const get = (path, headers) => together.exchange({ method: 'GET', path, headers });
	await tally.test(`${profile.length} profiles that were acknowledged are there`, async () => {
		for (const name of profile) equal((await get(`/profiles/load/${name}`)).status, 200, name);
	});
	await tally.test(`${measurement.length} measurements that were acknowledged are there`, async () => {
		equal(new Set(measurement).size, measurement.length, 'different numbers');
		for (const path of measurement) equal((await get(path)).status, 200, path);
	});
	await tally.test(`${subnet.length} answers that were acknowledged are there`, async () => {
		for (const id of subnet) {
			equal((await get(`/subnets/${id}/manifest`)).status, 200, id);
			equal(digestOf((await get(`/subnets/${id}`, { Range: 'bytes=0-' })).body), id, 'digest');
		}
	});
}

await prove(async (tally) => {
	const { world, together } = await replicas();
	const database = await world.postgresql();
	const pids = together.replicas.map((one) => one.pid);
	const subnet = JSON.parse((await ask(together, {})).body).id;
	// small, so that there may be many
	const writers = new Writers(together, subnet, { limits: { macs: 3000000 } });
	const faults = writers.load.faults;

	for (const how of ['fast', 'immediate'])
		await tally.test(`PostgreSQL is stopped (${how}) and started`, async () => {
			await writers.more(5);
			await database.act('stop', how);
			await writers.refusals();
			for (const one of together.replicas)
				await until(() => ready(one), (status) => status === 503, `${one.name} is not ready`);
			equal((await together.replicas[0].exchange({ method: 'GET', path: '/healthz' })).status, 200, 'healthz');
			await database.start();
			for (const one of together.replicas)
				await until(() => ready(one), (status) => status === 200, `${one.name} is ready`);
			await writers.more(5);
		});
	for (const how of ['fast', 'immediate'])
		await tally.test(`PostgreSQL is restarted (${how})`, async () => {
			await database.restart(how);
			await writers.more(5);
		});
	await writers.load.stop();
	await tally.test('nothing but answers and refusals', () => {
		check(faults.length === 0, `${faults.length} others: ${faults.slice(0, 5).join('\n')}`);
	});
	console.log(`refused: ${JSON.stringify(writers.refused)}`);
	await present(tally, together, writers.acknowledged);
	await tally.test('the same processes', () => {
		check(together.alive, together.logTail());
		equal(together.replicas.map((one) => one.pid).join(), pids.join(), 'processes');
	});
	await tally.test('they end as they should', async () => equal(await together.stop(), 0, 'end'));
});
