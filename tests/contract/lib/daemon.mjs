// One ofad on a free loopback port.
import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from './client.mjs';

export const SOURCE =
	process.env.OFA_SRCDIR ?? join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../..');
export const BUILD = process.env.OFA_BUILDDIR ?? SOURCE;
export const OFAD = join(BUILD, 'server/ofad');
export const START_MS = 60000;

export class Daemon {
	// `data`: the name of its data directory, for which its log and port file are called too.  Options: `tls` (of
	// exchanges), `network` (another file than the world's own), `listen`, `program` (another ofad), `by` (a command
	// that runs it), `env` (further variables).
	constructor(world, name, args, options = {}) {
		const { tls, network, listen = '127.0.0.1:0', program = OFAD, by = [], env = {} } = options;
		this.name = name;
		this.tls = tls;
		this.host = listen.slice(0, listen.lastIndexOf(':'));
		this.data = world.path(name);
		this.log = `${this.data}.log`;
		this.portFile = `${this.data}.port`;
		rmSync(this.portFile, { force: true });
		const log = openSync(this.log, 'a');
		const [command, ...rest] = [
			...by,
			program,
			'--network',
			network ?? world.path('network.safetensors'),
			'--listen',
			listen,
			'--data',
			this.data,
			'--port-file',
			this.portFile,
			'--worker-nice',
			'0',
			'--front-evaluations',
			'50000',
			...args,
		];
		this.process = spawn(command, rest, {
			stdio: ['ignore', 'ignore', log],
			env: { ...process.env, ...env },
		});
		closeSync(log);
		this.ended = new Promise((resolve) =>
			this.process.once('exit', (code, signal) => resolve(signal ?? code)),
		);
	}

	// The processes that answer in its name: itself.
	get replicas() {
		return [this];
	}

	get alive() {
		return this.process.exitCode === null && this.process.signalCode === null;
	}

	get pid() {
		return this.process.pid;
	}

	// What `ofad token` needs to find its tokens.
	get tokenArgs() {
		return ['--data', this.data];
	}

	async started() {
		for (const end = Date.now() + START_MS; Date.now() < end; await sleep(10)) {
			if (!this.alive)
				throw new Error(`ofad ${this.name} ended while it was starting: ${this.logTail()}`);
			this.port = existsSync(this.portFile) ? Number(readFileSync(this.portFile, 'utf8')) : 0;
			if (this.port) return;
		}
		throw new Error(`ofad ${this.name} did not start`);
	}

	async ready() {
		for (const end = Date.now() + START_MS; Date.now() < end; await sleep(20)) {
			if (!this.alive) break;
			const reply = await this.exchange({ method: 'GET', path: '/readyz' }).catch((error) => error);
			if (reply.status === 200) return;
		}
		throw new Error(`ofad ${this.name} did not become ready (${this.process.signalCode ?? this.process.exitCode}): ${this.logTail()}`);
	}

	// A reply as ofad sent it.
	received(reply) {
		return reply;
	}

	exchange(options) {
		return exchange(this.port, { host: this.host, tls: this.tls, ...options });
	}

	// Its exit code, or the signal that ended it.
	async stop(signal = 'SIGTERM') {
		if (this.alive) this.process.kill(signal);
		return this.ended;
	}

	// For when nobody can wait: at the end of the process.
	stopNow() {
		this.process.kill('SIGKILL');
	}

	logTail() {
		return readFileSync(this.log, 'utf8').slice(-2000);
	}
}
