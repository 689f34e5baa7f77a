// Replicas of ofad behind nginx, which callers take for one ofad.
import { Daemon } from './daemon.mjs';
import { exchange } from './client.mjs';
import { Nginx } from './services.mjs';

const PROXY_HEADERS = ['server', 'x-cache'];

export class Topology {
	// `kind`: { store, packages, env }, URLs of the options that they are for and what these need of the environment,
	// each may be absent; options: `replicas`, how
	// many; `each`, what is particular to the i-th: options of Daemon, and `store` by another way; and those of Daemon.
	constructor(world, name, args, kind, { replicas = 3, each = [], ...options } = {}) {
		this.world = world;
		this.name = name;
		this.kind = kind;
		this.args = args;
		this.each = each;
		this.options = options;
		this.replicas = Array.from({ length: kind.store ? replicas : 1 }, (_, i) => this.#make(i));
		this.nginx = new Nginx(world.path(`${name}.nginx`), { probes: true });
	}

	#make(i, options = {}) {
		const { store, packages } = { ...this.kind, ...this.each[i] };
		const args = [
			...(store ? ['--store', store] : []),
			...(packages ? ['--packages', packages] : []),
			...this.args,
		];
		return new Daemon(this.world, `${this.name}-${i + 1}`, args, {
			env: this.kind.env,
			...this.options,
			...this.each[i],
			...options,
		});
	}

	async started() {
		await Promise.all(this.replicas.map((one) => one.started()));
		await this.nginx.start(this.replicas.map((one) => `${one.host}:${one.port}`));
	}

	async ready() {
		await Promise.all(this.replicas.map((one) => one.ready()));
	}

	// Another one in place of the i-th, which has ended, at the same address.
	async replace(i, options = {}) {
		const { host, port } = this.replicas[i];
		this.replicas[i] = this.#make(i, { ...options, listen: `${host}:${port}` });
		await this.replicas[i].started();
		await this.replicas[i].ready();
	}

	get port() {
		return this.nginx.port;
	}

	get alive() {
		return this.replicas.every((one) => one.alive);
	}

	get tokenArgs() {
		const [one] = this.replicas;
		return [...one.tokenArgs, ...(this.kind.store ? ['--store', this.kind.store] : [])];
	}

	// A reply without what nginx does to it of its own accord: it says who it is and whether it had the package, and
	// leaves a header out where it says that what it keeps is unchanged.
	received(reply) {
		if (!reply) return reply;
		if (reply.headers['x-cache'] && reply.status === 304) reply.headers['accept-ranges'] ??= 'bytes';
		for (const name of PROXY_HEADERS) delete reply.headers[name];
		return reply;
	}

	async exchange(options) {
		return this.received(await exchange(this.port, options));
	}

	// 0 when each ended with it, else the first other code or signal.
	async stop(signal = 'SIGTERM') {
		const ends = await Promise.all(this.replicas.map((one) => one.stop(signal)));
		await this.nginx.act('stop');
		return ends.find((how) => how !== 0) ?? 0;
	}

	stopNow() {
		for (const one of this.replicas) one.stopNow();
		this.nginx.stopNow();
	}

	logTail() {
		return this.replicas.map((one) => `${one.name}: ${one.logTail()}`).join('\n');
	}
}
