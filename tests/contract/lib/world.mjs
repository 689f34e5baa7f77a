// A temporary directory with a network, and daemons on free loopback ports that serve it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD, Daemon, OFAD, SOURCE } from './daemon.mjs';
import { Postgresql, S3 } from './services.mjs';
import { Topology } from './topology.mjs';

export { OFAD, SOURCE };
const NETWORK = 'fashion'; // as the examples of the document call it

// What each daemon is: nothing said, one ofad; else replicas behind nginx that share such a database and such packages,
// or one behind it with databases of its own.
export const TOPOLOGIES = {
	'': null,
	sqlite: {},
	postgresql: { store: 'postgresql', packages: 'postgresql' },
	'postgresql+s3': { store: 'postgresql', packages: 's3' },
};

export class World {
	#started = [];
	#daemons = [];

	constructor({ topology = process.env.OFA_TOPOLOGY ?? '' } = {}) {
		if (!(topology in TOPOLOGIES))
			throw new Error(`OFA_TOPOLOGY is ${topology}: one of ${Object.keys(TOPOLOGIES).join(' ')}`);
		this.topology = TOPOLOGIES[topology];
		this.root = mkdtempSync(join(tmpdir(), 'ofad-contract-'));
		process.once('exit', () => this.#end());
		for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
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
	// `own`: in a topology too it is one ofad with a database of its own; further options are those of Daemon and
	// Topology.
	async start(name, args = [], { ready = true, keys = false, own = false, ...options } = {}) {
		const folder = join(this.path(name), 'keys');
		if (keys) execFileSync(OFAD, ['keygen', '--keys', folder], { stdio: 'ignore' });
		const daemon = this.topology
			? new Topology(
					this,
					name,
					keys ? ['--keys', folder, ...args] : args,
					own ? {} : await this.#kind(name),
					options,
				)
			: new Daemon(this, name, args, options);
		this.#daemons.push(daemon);
		this.stopsAtEnd(daemon);
		await daemon.started();
		if (ready) await daemon.ready();
		return daemon;
	}

	// An object with stopNow(), which is called when the process ends, however it ends.
	stopsAtEnd(service) {
		this.#started.push(service);
	}

	async #kind(name) {
		const kind = {};
		if (this.topology.store) kind.store = await (await this.postgresql()).database(name);
		if (this.topology.packages === 's3') {
			this.s3 ??= await this.#service(new S3(this.path('s3')));
			return { ...kind, packages: this.s3.packages(name), env: this.s3.environment };
		}
		return { ...kind, packages: this.topology.packages };
	}

	// The world's own, started when it is first asked for.
	async postgresql() {
		this.database ??= await this.#service(new Postgresql(this.path('postgresql')));
		return this.database;
	}

	async #service(service) {
		this.stopsAtEnd(service);
		await service.start();
		return service;
	}

	get daemons() {
		return this.#daemons;
	}

	#end() {
		for (const service of this.#started.reverse()) service.stopNow();
		if (process.env.OFA_KEEP && existsSync(this.root)) console.log(`kept: ${this.root}`);
		else rmSync(this.root, { recursive: true, force: true });
	}
}
