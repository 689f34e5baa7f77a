// What another process does to a server's database: SQLite by Python's sqlite3, PostgreSQL by psql.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OPEN = 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None)\n';
const LOCK = `${OPEN}db.execute("BEGIN IMMEDIATE"); print("locked", flush=True); sys.stdin.read()`;
// As much as BEGIN IMMEDIATE: who reads goes on, who writes any of what is answered with waits.
const LOCK_TABLES = 'BEGIN; LOCK TABLE profile_names, deliveries, measurements IN EXCLUSIVE MODE;\n\\echo locked\n';

const path = (daemon) => join(daemon.replicas[0].data, 'ofad.db');
const url = (daemon) => daemon.kind?.store;
const psql = (daemon) => ['psql', ['-qXtA', '-v', 'ON_ERROR_STOP=1', url(daemon)]];

export function execute(daemon, sql) {
	if (!url(daemon)) return execFileSync('python3', ['-c', `${OPEN}db.execute(sys.argv[2])`, path(daemon), sql]);
	const [program, args] = psql(daemon);
	return execFileSync(program, args, { input: `${sql};\n`, encoding: 'utf8' }).trim();
}

// Begins to write and does not come to an end: whoever writes beside it waits.  Returns what ends it.
export async function lock(daemon) {
	const [program, args] = url(daemon) ? psql(daemon) : ['python3', ['-c', LOCK, path(daemon)]];
	const holder = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
	if (url(daemon)) holder.stdin.write(LOCK_TABLES);
	await once(holder.stdout, 'data');
	return () => holder.stdin.end();
}

// Tells the server that tokens were changed, as `ofad token` does.
export function tokensChanged(daemon) {
	if (url(daemon)) execute(daemon, "NOTIFY ofad, 'tokens'");
	else writeFileSync(join(daemon.replicas[0].data, 'tokens.generation'), Buffer.alloc(8, 0xee));
}
