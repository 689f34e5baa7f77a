// doc/operations.md, "Backup and restore", done: with a daemon that runs, all is lost, and what was kept answers the same.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { World } from '../contract/lib/world.mjs';
import { OFAD, SOURCE, Tally, check, equal } from './lib.mjs';

const tally = new Tally();
const POSTGRESQL = join(SOURCE, 'tests/services/postgresql');
const scratch = mkdtempSync(join(tmpdir(), 'ofad-backup-')), cluster = join(scratch, 'postgresql'), kept = join(scratch, 'kept');
process.once('exit', () => {
	spawnSync(POSTGRESQL, ['stop', cluster, 'immediate'], { stdio: 'ignore' });
	rmSync(scratch, { recursive: true, force: true });
});
mkdirSync(cluster);
mkdirSync(kept);
const service = (...args) => spawnSync(POSTGRESQL, args, { encoding: 'utf8' });
const url = service('start', cluster);
if (url.status === 77) {
	console.log('SKIP: PostgreSQL is not installed');
	process.exit(77);
}
// As the document shows them, with places of this test.
const operations = readFileSync(join(SOURCE, 'doc/operations.md'), 'utf8');
function documented(command, places) {
	check(operations.includes(`    ${command}\n`), `doc/operations.md does not have: ${command}`);
	const line = Object.entries(places).reduce((text, [place, value]) => text.replaceAll(place, value), command);
	const { status, stderr } = spawnSync('sh', ['-c', line], { encoding: 'utf8' });
	equal(status, 0, `${line}: ${stderr}`);
}

const world = new World();
const QUESTIONS = [2000000, 3000000, 4000000].map((macs) => JSON.stringify({ profile: 'acme/cam', limits: { macs } }));

function client(daemon, token) {
	const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
	return (method, path, body, more = {}) => daemon.exchange({ method, path, body, headers: { ...headers, ...more } });
}

const answers = async (ask) => {
	const list = [];
	for (const body of QUESTIONS) {
		const reply = await ask('POST', '/subnets', body);
		equal(reply.status, 200, 'status of a question');
		list.push({ id: reply.headers['content-location'], bytes: reply.body });
	}
	return list;
};

// What must come back.
async function fill(daemon) {
	const token = execFileSync(OFAD, ['token', 'add', '--scope', 'admin', ...daemon.where], { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
	const ask = client(daemon, token);
	equal((await ask('PUT', '/profiles/acme/cam', JSON.stringify(world.profile))).status, 201, 'profile');
	const given = await answers(ask);
	equal((await ask('POST', `${given[0].id}/measurements`, '{"latency_ms":4.5}')).status, 201, 'measurement');
	const keys = await ask('GET', '/.well-known/ofad-keys.json');
	return { token, given, keys: keys.body.toString() };
}

async function compare(daemon, before) {
	const ask = client(daemon, before.token);
	// by their addresses first: nobody asks the questions again
	for (const one of before.given) {
		const reply = await ask('GET', one.id);
		equal(reply.status, 200, `status of ${one.id}`);
		check(reply.body.equals(one.bytes), `bytes of ${one.id}, by its address`);
	}
	const given = await answers(ask);
	for (const [i, one] of given.entries()) {
		equal(one.id, before.given[i].id, `address of ${i}`);
		check(one.bytes.equals(before.given[i].bytes), `bytes of ${i}`);
	}
	check((await ask('GET', '/profiles/acme/cam/revisions/1')).status === 200, 'the revision is lost');
	check((await ask('GET', `${given[0].id}/measurements`)).body.includes('4.5'), 'the measurement is lost');
	equal((await ask('GET', '/.well-known/ofad-keys.json')).body.toString(), before.keys, 'keys');
	equal((await daemon.exchange({ method: 'GET', path: '/networks' })).status, 401, 'a server without tokens');
}

await tally.test('SQLite: the database and the keys of a daemon that runs', async () => {
	const daemon = await world.start('file', [], { keys: true });
	daemon.where = ['--data', daemon.data];
	const before = await fill(daemon);
	documented(`sqlite3 DATA/ofad.db ".backup 'KEPT/ofad.db'"`, { DATA: daemon.data, KEPT: kept });
	documented('cp -a DATA/keys KEPT/', { DATA: daemon.data, KEPT: kept });
	await daemon.stop('SIGKILL');
	rmSync(daemon.data, { recursive: true });
	documented('install -d -m 0700 DATA && install -m 0600 KEPT/ofad.db DATA/ && cp -a KEPT/keys DATA/', { DATA: daemon.data, KEPT: kept });
	check(!existsSync(join(daemon.data, 'packages')), 'packages were kept too');
	const again = await world.start('file');
	await compare(again, before);
	await again.stop();
});

await tally.test('PostgreSQL: the database of replicas that run, and the keys', async () => {
	const store = url.stdout.trim(), keys = join(scratch, 'keys');
	execFileSync(OFAD, ['keygen', '--keys', keys], { stdio: 'ignore' });
	const args = ['--store', store, '--packages', 'postgresql', '--keys', keys];
	const [one, two] = [await world.start('one', args), await world.start('two', args)];
	one.where = ['--store', store, '--data', one.data];
	const before = await fill(one);
	documented('pg_dump --format=custom --exclude-table-data=package_bytes --file=KEPT/ofad.dump URL', { KEPT: kept, URL: `'${store}'` });
	await one.stop('SIGKILL');
	await two.stop('SIGKILL');
	for (const daemon of [one, two]) rmSync(daemon.data, { recursive: true });
	equal(service('database', cluster, 'ofad').status, 0, 'a new database');
	documented('pg_restore --no-owner --exit-on-error --dbname=URL KEPT/ofad.dump', { KEPT: kept, URL: `'${store}'` });
	const again = await world.start('two', args);
	await compare(again, before);
	await again.stop();
});

tally.end();
