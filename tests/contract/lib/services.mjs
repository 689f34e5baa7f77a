// Servers of others on loopback, by the scripts of tests/services, each in a directory of its own.
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SCRIPTS = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../services');
const run = promisify(execFile);

class Service {
	constructor(script, dir, env = {}) {
		this.script = join(SCRIPTS, script);
		this.dir = dir;
		this.options = { encoding: 'utf8', env: { ...process.env, ...env } };
	}

	// What the script prints; a service that is not installed is a Missing one.
	async act(command, ...args) {
		try {
			const { stdout } = await run(this.script, [command, this.dir, ...args], this.options);
			return stdout.trim();
		} catch (error) {
			throw error.code === 77 ? new Missing(error.stderr.trim()) : error;
		}
	}

	// For when nobody can wait: at the end of the process.
	stopNow() {
		try {
			execFileSync(this.script, ['stop', this.dir], { ...this.options, stdio: 'ignore' });
		} catch {
			// it had not begun
		}
	}
}

export class Missing extends Error {}

export class Postgresql extends Service {
	constructor(dir, env) {
		super('postgresql', dir, env);
	}

	async start() {
		this.url = await this.act('start');
	}

	// An empty database; its URL.
	database(name) {
		return this.act('database', name);
	}

	restart(mode) {
		return this.act('restart', mode);
	}

	get pid() {
		return Number(readFileSync(join(this.dir, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
	}
}

export class Nginx extends Service {
	constructor(dir, { probes = false } = {}) {
		super('nginx', dir, { OFA_NGINX_PROBES: probes ? '1' : '0' });
	}

	async start(replicas) {
		[this.port, this.tlsPort] = (await this.act('start', ...replicas)).split(' ').map(Number);
	}

	// From now on it asks these; when the promise is kept, new requests go to them.
	async replicas(replicas) {
		await this.act('replicas', ...replicas);
	}

	get certificate() {
		return readFileSync(join(this.dir, 'tls.crt'));
	}

	get pid() {
		return Number(readFileSync(join(this.dir, 'nginx.pid'), 'utf8'));
	}
}

export class S3 extends Service {
	constructor(dir) {
		super('s3', dir);
	}

	async start() {
		this.url = await this.act('start');
	}

	// What --packages takes for packages under this prefix.
	packages(prefix) {
		return this.url.replace(/(\?|$)/, `/${prefix}$1`);
	}

	// The key that ofad needs.
	get environment() {
		const lines = readFileSync(join(this.dir, 'environment'), 'utf8').matchAll(/^export (\w+)=(.*)$/gm);
		return Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
	}
}
