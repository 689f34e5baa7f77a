// A replica that PostgreSQL can no longer be reached from, packets being lost without a word: it turns unready, says nothing
// that is out of date, and is itself again when the link is back.  Needs root, for network namespaces: the proof runs in
// one of its own, the replica in another, with a link to PostgreSQL and one to callers between them.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { Postgresql } from '../contract/lib/services.mjs';
import { Topology } from '../contract/lib/topology.mjs';
import { JSON_TYPE, Load, NEW, World, ask, check, equal, makeToken, prove, question, ready, revoke, tokenId, until } from './lib.mjs';

const HERE = { database: '10.203.1.1', callers: '10.203.2.1' };
const THERE = { database: '10.203.1.2', callers: '10.203.2.2' };
const STALE_SECONDS = 2;

const ip = (...args) => execFileSync('ip', args, { stdio: 'pipe' });
const bearer = (token) => ({ Authorization: `Bearer ${token}` });

// A network namespace with both links, and what runs a command in it.
async function elsewhere(world) {
	const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
	world.stopsAtEnd({ stopNow: () => holder.kill('SIGKILL') });
	const net = (pid) => readlinkSync(`/proc/${pid}/ns/net`);
	await until(() => net(holder.pid) !== net('self'), Boolean, 'a namespace');
	const by = ['nsenter', '--net', '--target', String(holder.pid)];
	const there = (...args) => execFileSync(by[0], [...by.slice(1), 'ip', ...args], { stdio: 'pipe' });
	for (const link of ['database', 'callers']) {
		ip('link', 'add', link, 'type', 'veth', 'peer', 'name', link, 'netns', String(holder.pid));
		ip('address', 'add', `${HERE[link]}/30`, 'dev', link);
		there('address', 'add', `${THERE[link]}/30`, 'dev', link);
		ip('link', 'set', link, 'up');
		there('link', 'set', link, 'up');
	}
	there('link', 'set', 'lo', 'up');
	return by;
}

// Two replicas here and one there.
async function start(world) {
	const by = await elsewhere(world);
	const listen = { OFA_POSTGRESQL_LISTEN: `127.0.0.1,${HERE.database}` };
	const database = new Postgresql(world.path('postgresql'), listen);
	world.stopsAtEnd(database);
	await database.start();
	const far = { by, listen: `${THERE.callers}:0`, store: database.url.replace('127.0.0.1', HERE.database) };
	const kind = { store: database.url, packages: 'postgresql' };
	const args = ['--allow-anonymous', '--rate-per-address', '0', '--stale-seconds', String(STALE_SECONDS)];
	const together = new Topology(world, 'parted', args, kind, { each: [{}, {}, far] });
	world.stopsAtEnd(together);
	await together.started();
	await together.ready();
	return together;
}

async function parted(tally) {
	const world = new World({ topology: '' });
	ip('link', 'set', 'lo', 'up');
	const together = await start(world);
	const far = together.replicas[2];
	const near = together.replicas.slice(0, 2);
	const admin = await makeToken(together, 'admin');
	const lost = await makeToken(together, 'read');
	const put = (macs, headers) =>
		together.exchange({
			method: 'PUT',
			path: '/profiles/lab/board',
			headers: { ...headers, ...bearer(admin) },
			body: JSON.stringify({ limits: { macs } }),
		});
	const profile = (one, token) => one.exchange({ method: 'GET', path: '/profiles/lab/board', headers: bearer(token) });
	const macsOf = (reply) => JSON.parse(reply.body).limits.macs;

	await tally.test('all replicas know the profile and the token', async () => {
		equal((await put(2000000, NEW)).status, 201, 'profile');
		for (const one of together.replicas)
			await until(() => profile(one, lost), (reply) => reply.status === 200 && macsOf(reply) === 2000000, one.name);
		await ask(far, { profile: 'lab/board' }, bearer(lost));
	});

	let turn = 0;
	let served = 0;
	const load = new Load(4, async (caller) => {
		const reply = caller % 2 ? await profile(together, admin) : await ask(together, question(turn++ % 20), bearer(admin));
		check(reply.status === 200, `${caller % 2 ? 'GET' : 'POST'}: ${reply.status} ${reply.body}`);
		served++;
	});
	await tally.test('the replica turns unready, the others do not', async () => {
		ip('link', 'set', 'database', 'down');
		await until(() => ready(far), (status) => status === 503, 'it is not ready');
		for (const one of near) equal(await ready(one), 200, one.name);
	});
	await tally.test('callers are served by the others', async () => {
		const before = served;
		await until(() => served, (n) => n > before + 100, 'answers');
	});
	await tally.test('what has changed meanwhile is not denied for long', async () => {
		revoke(together, tokenId(together, 'read'));
		equal((await put(3000000, { ...JSON_TYPE, 'If-Match': '*' })).status, 200, 'another revision');
		const away = (reply) => reply.status === 503 && reply.headers['retry-after'] >= 1;
		await until(() => profile(far, lost), away, 'the token that was revoked is refused');
		await until(() => profile(far, admin), away, 'the profile that was replaced is not shown');
		for (let i = 0; i < 20; i++) {
			for (const token of [lost, admin]) {
				equal((await profile(far, token)).status, 503, 'profile');
				equal((await ask(far, { profile: 'lab/board' }, bearer(token))).status, 503, 'subnet');
			}
		}
		for (const one of near) {
			await until(() => profile(one, lost), (reply) => reply.status === 401, `${one.name} knows of the token`);
			await until(() => profile(one, admin), (reply) => macsOf(reply) === 3000000, `${one.name} knows of the profile`);
		}
	});
	await tally.test('it is itself again when the link is', async () => {
		const { pid } = far;
		ip('link', 'set', 'database', 'up');
		await until(() => ready(far), (status) => status === 200, 'it is ready');
		await until(() => profile(far, lost), (reply) => reply.status === 401, 'it knows of the token');
		equal(macsOf(await profile(far, admin)), 3000000, 'revision');
		check(far.alive && far.pid === pid, 'another process');
	});
	await load.stop();
	await tally.test('no caller saw any of it', () =>
		check(load.faults.length === 0, `${load.faults.length} of ${served}: ${load.faults.slice(0, 5).join('\n')}`),
	);
	await tally.test('they end as they should', async () => equal(await together.stop(), 0, 'end'));
}

if (process.argv[2] === 'inside') {
	await prove(parted);
} else if (spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status !== 0) {
	console.log('SKIP: network namespaces need root, and Debian packages util-linux and iproute2');
	process.exit(77);
} else {
	const { status } = spawnSync('unshare', ['--net', process.execPath, ...process.argv.slice(1), 'inside'], {
		stdio: 'inherit',
	});
	process.exit(status ?? 1);
}
