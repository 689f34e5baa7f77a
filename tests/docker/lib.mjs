// What the tests of docker/ share: a tally, nginx with the configuration that ships, replicas that only pretend.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Mismatch, check, eventually } from '../contract/lib/suite.mjs';
import { OFAD, SOURCE } from '../contract/lib/world.mjs';

export { Mismatch, OFAD, SOURCE, check, eventually, sleep };
export const DOCKER = join(SOURCE, 'docker');
const NGINX = process.env.NGINX ?? '/usr/sbin/nginx';

export class Tally {
	passed = 0;
	failed = 0;

	async test(name, body) {
		try {
			await body();
			this.passed++;
		} catch (error) {
			this.failed++;
			console.log(`FAIL ${name}: ${error.message}`);
			if (!(error instanceof Mismatch)) console.log(error.stack.split('\n').slice(1, 5).join('\n'));
		}
	}

	end() {
		console.log(`${this.passed} passed, ${this.failed} failed`);
		process.exit(this.failed || !this.passed ? 1 : 0);
	}
}

export function equal(is, wanted, what) {
	check(is === wanted, `${what}: ${is} instead of ${wanted}`);
}

export async function freePort() {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

// nginx before these HOST:PORT, in a directory of its own.
export class Proxy {
	static async start(replicas) {
		const proxy = new Proxy();
		proxy.port = await freePort();
		proxy.dir = mkdtempSync(join(tmpdir(), 'ofad-proxy-'));
		execFileSync(join(DOCKER, 'nginx/render'), [
			proxy.dir,
			'--listen',
			`127.0.0.1:${proxy.port}`,
			...replicas.flatMap((one) => ['--replica', one]),
		]);
		// files, as nginx opens /dev/stdout by its name; root would start workers that may not look into the directory
		const own = process.getuid() === 0 ? 'daemon off; user root;' : 'daemon off;';
		proxy.process = spawn(NGINX, ['-p', `${proxy.dir}/`, '-c', join(proxy.dir, 'nginx.conf'), '-g', own], {
			stdio: ['ignore', openSync(join(proxy.dir, 'access.log'), 'a'), openSync(join(proxy.dir, 'error.log'), 'a')],
		});
		process.once('exit', () => {
			proxy.process.kill('SIGTERM');
			rmSync(proxy.dir, { recursive: true, force: true });
		});
		proxy.ca = readFileSync(join(proxy.dir, 'tls.crt'));
		await eventually(() => proxy.#listens(), Boolean, 'nginx listens');
		return proxy;
	}

	#listens() {
		return new Promise((resolve) => {
			const socket = net.connect(this.port, '127.0.0.1', () => socket.end(() => resolve(true)));
			socket.once('error', () => resolve(false));
		});
	}

	get lines() {
		return readFileSync(join(this.dir, 'access.log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
	}

	// { status, headers, body } of a request by HTTP/1.1 over TLS.
	ask(method, path, { headers = {}, body, timeout = 30000 } = {}) {
		return new Promise((resolve, reject) => {
			const options = { host: '127.0.0.1', servername: 'localhost', port: this.port, ca: this.ca, method, path, headers, timeout };
			const request = https.request({ ...options, agent: false }, (reply) => {
				const parts = [];
				reply.on('data', (part) => parts.push(part));
				reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(parts) }));
				reply.on('error', reject);
			});
			request.on('timeout', () => request.destroy(new Error('timeout')));
			request.on('error', reject);
			request.end(body);
		});
	}
}

// A server that answers 200 with its name and what it was asked, or as `behave(request, reply)` does; `seen` are the
// requests that reached it, whole.
export class Pretender {
	seen = [];

	static async start(name, behave) {
		const one = new Pretender();
		one.server = http.createServer((request, reply) => {
			const parts = [];
			request.on('data', (part) => parts.push(part));
			request.on('end', () => {
				const { method, url, headers } = request;
				one.seen.push({ method, url, headers, body: Buffer.concat(parts) });
				if (one.behave?.(request, reply)) return;
				reply.setHeader('Content-Type', 'application/json');
				reply.end(JSON.stringify({ name }));
			});
		});
		one.behave = behave;
		await new Promise((resolve) => one.server.listen(0, '127.0.0.1', resolve));
		one.address = `127.0.0.1:${one.server.address().port}`;
		return one;
	}

	// Nobody listens there any more.
	async stop() {
		this.server.closeAllConnections();
		await new Promise((resolve) => this.server.close(resolve));
	}
}
