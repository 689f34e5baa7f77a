// What docker/compose describes, as plain processes: its configuration, three replicas over PostgreSQL, its proxy.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { World } from '../contract/lib/world.mjs';
import { DOCKER, OFAD, Proxy, SOURCE, Tally, check, equal, eventually } from './lib.mjs';

const tally = new Tally();
const POSTGRESQL = join(SOURCE, 'tests/services/postgresql');
const scratch = mkdtempSync(join(tmpdir(), 'ofad-topology-')), cluster = join(scratch, 'postgresql');
process.once('exit', () => {
	spawnSync(POSTGRESQL, ['stop', cluster, 'immediate'], { stdio: 'ignore' });
	rmSync(scratch, { recursive: true, force: true });
});
mkdirSync(cluster);
const started = spawnSync(POSTGRESQL, ['start', cluster], { encoding: 'utf8' });
if (started.status === 77) {
	console.log('SKIP: PostgreSQL is not installed');
	process.exit(77);
}

// ---- what make-secrets makes, with places of this machine in the place of the containers' ----

const world = new World();
cpSync(join(DOCKER, 'compose'), join(scratch, 'compose'), { recursive: true });
execFileSync(join(scratch, 'compose/make-secrets'), { stdio: 'ignore' });
const secret = readFileSync(join(scratch, 'compose/secrets/ofad.yaml'), 'utf8');
const places = {
	'/networks/fashion.safetensors': world.path('network.safetensors'),
	[/^store: (.*)$/m.exec(secret)[1]]: started.stdout.trim(),
	'172.28.88.10': '127.0.0.1',
	'# keys: /etc/ofad/keys': `keys: ${join(scratch, 'keys')}`,
};
const config = join(scratch, 'ofad.yaml');
writeFileSync(config, Object.entries(places).reduce((text, [from, to]) => {
	check(text.includes(from), `make-secrets does not write ${from}`);
	return text.replace(from, to);
}, secret));

// ---- in the order of compose.yaml's first lines ----

const command = (...args) => execFileSync(OFAD, args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
command('keygen', '--keys', join(scratch, 'keys'));
const token = (...scopes) => command('token', 'add', '--config', config, ...scopes.flatMap((s) => ['--scope', s]), '--data', join(scratch, 'admin'));
const admin = token('admin');
const names = ['ofad-1', 'ofad-2', 'ofad-3'];
const replicas = await Promise.all(names.map((name) => world.start(name, ['--config', config])));
const proxy = await Proxy.start(replicas.map((one) => `127.0.0.1:${one.port}`));
const as = (who, headers = {}) => ({ Authorization: `Bearer ${who}`, 'Content-Type': 'application/json', ...headers });
const question = JSON.stringify({ profile: 'acme/cam', limits: { macs: 3000000 } });
let made;

await tally.test('a profile that one replica took, and a question that any answers', async () => {
	equal((await proxy.ask('PUT', '/profiles/acme/cam', { headers: as(admin), body: JSON.stringify(world.profile) })).status, 201, 'profile');
	made = await proxy.ask('POST', '/subnets', { headers: as(admin), body: question });
	equal(made.status, 200, 'question');
	for (const one of replicas) {
		const reply = await one.exchange({ method: 'POST', path: '/subnets', headers: as(admin), body: question });
		check(reply.status === 200 && reply.body.equals(made.body), `${one.name} answers otherwise: ${reply.status}`);
	}
});

await tally.test('a download that began on one replica goes on at another', async () => {
	const path = made.headers['content-location'], half = made.body.length >> 1;
	const parts = [];
	for (const [i, range] of [`bytes=0-${half - 1}`, `bytes=${half}-`].entries()) {
		const reply = await replicas[i].exchange({ method: 'GET', path, headers: as(admin, { Range: range, 'If-Range': made.headers.etag }) });
		equal(reply.status, 206, `status of ${range}`);
		parts.push(reply.body);
	}
	check(Buffer.concat(parts).equals(made.body), 'other bytes');
	for (const from of ['MISS', 'HIT']) {
		const reply = await proxy.ask('GET', path, { headers: as(admin) });
		equal(reply.headers['x-cache'], from, 'where from');
		check(reply.body.equals(made.body), `other bytes, ${from}`);
	}
});

await tally.test('signatures of all replicas are by one key', async () => {
	const lists = await Promise.all(replicas.map((one) => one.exchange({ method: 'GET', path: '/.well-known/ofad-keys.json' })));
	check(lists.every((reply) => reply.body.equals(lists[0].body)) && JSON.parse(lists[0].body).keys.length === 1, 'keys');
});

await tally.test('a token that is revoked is refused by every replica, and for what the proxy keeps', async () => {
	const lost = token('provision'), id = createHash('sha256').update(lost).digest('hex').slice(0, 12);
	const path = made.headers['content-location'];
	equal((await proxy.ask('GET', path, { headers: as(lost) })).status, 200, 'before');
	command('token', 'revoke', id, '--config', config, '--data', join(scratch, 'admin'));
	for (const one of replicas)
		await eventually(() => one.exchange({ method: 'GET', path, headers: as(lost) }), (reply) => reply.status === 401, one.name);
	equal((await proxy.ask('GET', path, { headers: as(lost) })).status, 401, 'by the proxy');
});

await tally.test('logs have the caller\'s address, and the proxy\'s id', async () => {
	await proxy.ask('GET', '/networks', { headers: as(admin, { 'X-Forwarded-For': '203.0.113.9', 'X-Request-Id': 'topology-1' }) });
	await eventually(() => replicas.map((one) => readFileSync(one.log, 'utf8')).join(''), (text) => text.includes('"id":"topology-1"'), 'the line');
	const logs = replicas.map((one) => readFileSync(one.log, 'utf8')).join('');
	check(!logs.includes('203.0.113.9'), 'what the client said is believed');
});

await tally.test('a replica that is killed is not missed', async () => {
	await replicas[1].stop('SIGKILL');
	for (let i = 0; i < 12; i++) {
		const reply = await proxy.ask('POST', '/subnets', { headers: as(admin), body: question });
		check(reply.status === 200 && reply.body.equals(made.body), `status ${reply.status}`);
		equal((await proxy.ask('GET', '/profiles/acme/cam', { headers: as(admin) })).status, 200, 'profile');
	}
});

for (const one of [replicas[0], replicas[2]])
	await tally.test(`${one.name} ends softly`, async () => equal(await one.stop(), 0, 'exit'));

tally.end();
