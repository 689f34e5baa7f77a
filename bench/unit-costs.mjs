// Usage: node bench/unit-costs.mjs [QUESTIONS] [MEASUREMENTS]        (500 and 5000)
// What one of each costs, for doc/operations.md: bytes of each kind of row, indexes included, and processor time of
// ofad for each kind of request, over SQLite and over PostgreSQL, of the network that tests are made with.  Time is what
// the process used, not what went by, so that other work on the machine matters little.
// Needs PostgreSQL, sqlite3 and a build (OFA_BUILDDIR).
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SOURCE, World } from '../tests/contract/lib/world.mjs';

const [questions, measurements] = [process.argv[2] ?? 500, process.argv[3] ?? 5000].map(Number);
const POSTGRESQL = join(SOURCE, 'tests/services/postgresql');
const cluster = mkdtempSync(join(tmpdir(), 'ofad-rows-'));
process.once('exit', () => {
	spawnSync(POSTGRESQL, ['stop', cluster, 'immediate'], { stdio: 'ignore' });
	rmSync(cluster, { recursive: true, force: true });
});
const world = new World();
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

// Does `one` for 0..n-1, eight at a time.
async function each(n, one) {
	let next = 0;
	await Promise.all(Array.from({ length: 8 }, async () => {
		while (next < n) await one(next++);
	}));
}

const costs = [];
// Processor time of the daemon for n requests.
async function timed(daemon, where, what, n, one) {
	const before = await cpu(daemon);
	await each(n, one);
	costs.push({ where, request: what, n, 'processor ms each': Number((((await cpu(daemon)) - before) * 1e3 / n).toPrecision(3)) });
}
async function cpu(daemon) {
	const { body } = await daemon.exchange({ method: 'GET', path: '/metrics', agent });
	return Number(/^process_cpu_seconds_total (\S+)$/m.exec(body)[1]);
}

function asker(daemon) {
	return async (method, path, body, accept = 'application/json') => {
		const headers = { Accept: accept };
		if (body) headers['Content-Type'] = 'application/json';
		const reply = await daemon.exchange({ method, path, body: body && JSON.stringify(body), agent, headers });
		if (reply.status >= 400) throw new Error(`${method} ${path}: ${reply.status} ${reply.body.subarray(0, 300)}`);
		return reply;
	};
}
const question = (i) => ({ profile: 'acme/cam', limits: { macs: 1500000 + 5000 * i }, seed: 1 });

// Asks everything for the first time; the ids of the packages.
async function fill(daemon, where) {
	const ask = asker(daemon);
	await ask('PUT', '/profiles/acme/cam', world.profile);
	await ask('POST', '/subnets', question(questions)); // whatever is computed once for a profile is
	const ids = new Set();
	await timed(daemon, where, 'a new question: search and package', questions, async (i) => {
		ids.add(JSON.parse((await ask('POST', '/subnets', question(i))).body).id);
	});
	const list = [...ids];
	await timed(daemon, where, 'a measurement', measurements, (i) =>
		ask('POST', `/subnets/${list[i % list.length]}/measurements`, { latency_ms: 4 + (i % 100) / 100, device: `device-${i}` }));
	return list;
}

// What is known, of a daemon that was started anew.
async function repeat(daemon, where, list) {
	const ask = asker(daemon);
	await timed(daemon, where, 'a question that the store knows', questions, (i) => ask('POST', '/subnets', question(i)));
	await timed(daemon, where, 'a question that memory knows', 40 * questions, (i) => ask('POST', '/subnets', question(i % 20)));
	await timed(daemon, where, 'a package that memory has', 4 * questions, (i) => ask('GET', `/subnets/${list[i % 20]}`, null, '*/*'));
}

const TABLES = ['deliveries', 'measurements', 'packages', 'package_bytes', 'profile_revisions'];
const rows = [];
function add(where, table, n, bytes) {
	rows.push({ where, table, rows: n, 'bytes per row': n ? Math.round(bytes / n) : 0 });
}

const sqlite = await world.start('sqlite');
const list = await fill(sqlite, 'SQLite'), kinds = list.length;
const query = (sql) => execFileSync('sqlite3', [join(sqlite.data, 'ofad.db'), sql]).toString().trim();
for (const table of TABLES) {
	if (query(`SELECT count(*) FROM sqlite_schema WHERE name = '${table}'`) === '0') continue;
	add('SQLite', table, Number(query(`SELECT count(*) FROM ${table}`)),
		Number(query(`SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = '${table}')`)));
}
const packages = Number(execFileSync('du', ['-sb', join(sqlite.data, 'packages')]).toString().split('\t')[0]);
add('files', 'packages', kinds, packages);
await sqlite.stop();
const sqliteAgain = await world.start('sqlite');
await repeat(sqliteAgain, 'SQLite', list);
await sqliteAgain.stop();

mkdirSync(cluster, { recursive: true });
const url = execFileSync(POSTGRESQL, ['start', cluster]).toString().trim();
const shared = ['--store', url, '--packages', 'postgresql'];
const postgresql = await world.start('postgresql', shared);
await fill(postgresql, 'PostgreSQL');
const ask = (sql) => execFileSync('psql', ['-qAtX', url, '-c', sql]).toString().trim();
ask('VACUUM ANALYZE');
for (const table of TABLES) add('PostgreSQL', table, Number(ask(`SELECT count(*) FROM ${table}`)), Number(ask(`SELECT pg_total_relation_size('${table}')`)));
await postgresql.stop();
const postgresqlAgain = await world.start('postgresql', shared);
await repeat(postgresqlAgain, 'PostgreSQL', list);
await postgresqlAgain.stop();

console.table(rows);
console.table(costs);
console.log(`${questions} questions, ${kinds} packages, ${measurements} measurements`);
