// A temporary directory with a network, and daemons on free loopback ports that serve it.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from './client.mjs';

export const SOURCE =
	process.env.OFA_SRCDIR ?? join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../..');
const BUILD = process.env.OFA_BUILDDIR ?? SOURCE;
export const OFAD = join(BUILD, 'server/ofad');
const NETWORK = 'fashion'; // as the examples of the document call it
const START_MS = 60000;

export class World {
	#daemons = [];

	constructor() {
		this.root = mkdtempSync(join(tmpdir(), 'ofad-contract-'));
		process.once('exit', () => this.#end());
		for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
		execFileSync(join(BUILD, 'tests/server/make_network'), [
			NETWORK,
			join(SOURCE, 'models/fashion/recipe.json'),
			this.path('network.safetensors'),
			this.path('profile.json'),
		]);
		this.profile = JSON.parse(readFileSync(this.path('profile.json'), 'utf8'));
		delete this.profile.name;
	}

	path(name) {
		return join(this.root, name);
	}

	// Starts ofad with the data directory of that name and these further arguments; `keys`: with a signing key;
	// `network`: another file than the world's own.
	async start(name, args = [], { ready = true, keys = false, ...options } = {}) {
		if (keys) execFileSync(OFAD, ['keygen', '--keys', join(this.path(name), 'keys')], { stdio: 'ignore' });
		const daemon = new Daemon(this, name, args, options);
		this.#daemons.push(daemon);
		await daemon.started();
		if (ready) await daemon.ready();
		return daemon;
	}

	get daemons() {
		return this.#daemons;
	}

	#end() {
		for (const daemon of this.#daemons) daemon.process.kill('SIGKILL');
		rmSync(this.root, { recursive: true, force: true });
	}
}

class Daemon {
	constructor(world, name, args, { tls, network } = {}) {
		this.name = name;
		this.tls = tls;
		this.data = world.path(name);
		this.log = `${this.data}.log`;
		this.portFile = `${this.data}.port`;
		rmSync(this.portFile, { force: true });
		const log = openSync(this.log, 'a');
		this.process = spawn(
			OFAD,
			[
				'--network',
				network ?? world.path('network.safetensors'),
				'--listen',
				'127.0.0.1:0',
				'--data',
				this.data,
				'--port-file',
				this.portFile,
				'--worker-nice',
				'0',
				'--front-evaluations',
				'50000',
				...args,
			],
			{ stdio: ['ignore', 'ignore', log] },
		);
		this.ended = new Promise((resolve) =>
			this.process.once('exit', (code, signal) => resolve(signal ?? code)),
		);
	}

	get alive() {
		return this.process.exitCode === null && this.process.signalCode === null;
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
			const reply = await this.exchange({ method: 'GET', path: '/readyz' });
			if (reply.status === 200) return;
		}
		throw new Error(`ofad ${this.name} did not become ready`);
	}

	exchange(options) {
		return exchange(this.port, { tls: this.tls, ...options });
	}

	// Its exit code, or the signal that ended it.
	async stop(signal = 'SIGTERM') {
		if (this.alive) this.process.kill(signal);
		return this.ended;
	}

	logTail() {
		return readFileSync(this.log, 'utf8').slice(-2000);
	}
}
