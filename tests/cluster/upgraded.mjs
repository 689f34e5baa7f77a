// From one version of ofad to the next, whose schema is another, and back, replica by replica under load, as
// doc/operations.md says: no request fails.
import { join } from 'node:path';
import { BUILD } from '../contract/lib/daemon.mjs';
import { execute } from '../contract/lib/database.mjs';
import { JSON_TYPE, Load, NEW, OFAD, ask, check, digestOf, equal, prove, question, replicas, until } from './lib.mjs';

const NEXT = join(BUILD, 'tests/cluster/ofad-next');
const CALLERS = 8;

// Everything that a fleet does; each answer is looked at.
class Fleet {
	served = 0;

	constructor(together, subnet) {
		this.together = together;
		this.subnet = subnet;
		this.load = new Load(CALLERS, async (caller, turn) => {
			await this.#acts[turn % this.#acts.length](`${caller}-${turn}`, caller * 100000 + turn);
			this.served++;
		});
	}

	async #send(statuses, request) {
		const reply = await this.together.exchange(request);
		check(
			statuses.includes(reply.status),
			`${request.method} ${request.path}: ${reply.status} ${reply.body.toString('latin1').slice(0, 200)}`,
		);
		return reply;
	}

	#acts = [
		(name) =>
			this.#send([201], {
				method: 'PUT',
				path: `/profiles/fleet/${name}`,
				headers: NEW,
				body: JSON.stringify({ limits: { macs: 3000000 } }),
			}),
		() => this.#send([200], { method: 'GET', path: '/profiles?limit=5' }),
		(name, n) =>
			this.#send([200], {
				method: 'POST',
				path: '/subnets',
				headers: { ...JSON_TYPE, Prefer: 'wait=30' },
				body: JSON.stringify(question(n)),
			}).then((reply) =>
				equal(`/subnets/${digestOf(reply.body)}`, reply.headers['content-location'], 'package'),
			),
		(name) =>
			this.#send([201], {
				method: 'POST',
				path: `/subnets/${this.subnet}/measurements`,
				headers: JSON_TYPE,
				body: JSON.stringify({ latency_ms: 2, device: name }),
			}),
		() =>
			this.#send([200], { method: 'GET', path: `/subnets/${this.subnet}` }).then((reply) =>
				equal(digestOf(reply.body), this.subnet, 'digest'),
			),
	];

	more(n) {
		const before = this.served;
		return until(() => this.served, (served) => served >= before + n, 'requests are served');
	}
}

await prove(async (tally) => {
	const { together } = await replicas();
	const subnet = JSON.parse((await ask(together, {})).body).id;
	const fleet = new Fleet(together, subnet);
	const versions = () => Number(execute(together, 'SELECT max(number) FROM schema_versions'));
	const before = versions();

	const roll = async (i, program) => {
		await fleet.more(50);
		equal(await together.replicas[i].stop(), 0, 'how it ended');
		await fleet.more(50);
		await together.replace(i, { program });
		await fleet.more(50);
	};
	for (const i of together.replicas.keys())
		await tally.test(`replica ${i + 1} is replaced by the next version`, async () => {
			await roll(i, NEXT);
			equal(versions(), before + 1, 'version of the schema');
		});
	for (const i of together.replicas.keys())
		await tally.test(`replica ${i + 1} is rolled back`, async () => {
			await roll(i, OFAD);
			equal(versions(), before + 1, 'version of the schema');
		});
	await fleet.load.stop();
	await tally.test(`none of ${fleet.served} requests failed`, () => {
		const { faults } = fleet.load;
		check(faults.length === 0, `${faults.length} did: ${faults.slice(0, 5).join('\n')}`);
	});
	await tally.test('they end as they should', async () => equal(await together.stop(), 0, 'end'));
});
