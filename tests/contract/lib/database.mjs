// What another process does to a server's database, by Python's sqlite3.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const OPEN = 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None)\n';

const path = (daemon) => join(daemon.data, 'ofad.db');

export function execute(daemon, sql) {
	execFileSync('python3', ['-c', `${OPEN}db.execute(sys.argv[2])`, path(daemon), sql]);
}

// Begins to write and does not come to an end: whoever writes beside it waits.  Returns what ends it.
export async function lock(daemon) {
	const code = `${OPEN}db.execute("BEGIN IMMEDIATE"); print("locked", flush=True); sys.stdin.read()`;
	const holder = spawn('python3', ['-c', code, path(daemon)], { stdio: ['pipe', 'pipe', 'inherit'] });
	await once(holder.stdout, 'data');
	return () => holder.stdin.end();
}
