// What the proofs share: three replicas over one PostgreSQL behind nginx, clients that are processes, and load.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BUILD, OFAD } from '../contract/lib/daemon.mjs';
import { Missing } from '../contract/lib/services.mjs';
import { Mismatch, check } from '../contract/lib/suite.mjs';
import { World } from '../contract/lib/world.mjs';
import { Tally, equal } from '../docker/lib.mjs';

export { Missing, Mismatch, OFAD, World, check, equal, sleep };
export const OFA = join(BUILD, 'cli/ofa');
export const JSON_TYPE = { 'Content-Type': 'application/json' };
export const NEW = { ...JSON_TYPE, 'If-None-Match': '*' };
// What is waited for comes in a second or a few; a machine that does much else gets time.
const GENEROUS_MS = Number(process.env.OFA_PATIENCE ?? 120) * 1000;

// Runs a proof and ends the process: with status 77 where something is not installed.
export async function prove(body) {
	const tally = new Tally();
	try {
		await body(tally);
	} catch (error) {
		if (error instanceof Missing) {
			console.log(error.message);
			process.exit(77);
		}
		await tally.test('the proof', () => Promise.reject(error));
	}
	tally.end();
}

// Three replicas, ready; options as World.start() has them.
export async function replicas(args = [], options = {}) {
	const world = new World({ topology: 'postgresql' });
	const together = await world.start('together', args, { keys: true, ...options });
	return { world, together };
}

export async function until(ask, wanted, what) {
	let answer;
	for (const end = Date.now() + GENEROUS_MS; Date.now() < end; await sleep(50)) {
		answer = await ask();
		if (wanted(answer)) return answer;
	}
	throw new Mismatch(`${what}: not within ${GENEROUS_MS / 1000} s, at last ${JSON.stringify(answer)?.slice(0, 200)}`);
}

export const digestOf = (bytes) => createHash('sha256').update(bytes).digest('hex');
export const ready = (daemon) => daemon.exchange({ method: 'GET', path: '/readyz' }).then((reply) => reply.status);

// Questions that have packages of their own.
export const question = (n) => ({ seed: n, limits: { macs: 2000000 + ((n * 7919) % 2500000) } });

export async function ask(daemon, body, headers = {}) {
	return daemon.exchange({
		method: 'POST',
		path: '/subnets',
		headers: { ...JSON_TYPE, Accept: 'application/json', ...headers },
		body: JSON.stringify(body),
	});
}

// A file with the keys that deliveries are signed with.
export async function trust(world, daemon) {
	const { body } = await daemon.exchange({ method: 'GET', path: '/.well-known/ofad-keys.json' });
	writeFileSync(world.path('keys.json'), body);
	return world.path('keys.json');
}

// A token that every replica knows.
export async function makeToken(daemon, scope) {
	const args = ['token', 'add', '--scope', scope, ...daemon.tokenArgs];
	const token = execFileSync(OFAD, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
	const headers = { Authorization: `Bearer ${token}` };
	for (const one of daemon.replicas)
		await until(
			() => one.exchange({ method: 'GET', path: '/profiles', headers }).then((reply) => reply.status),
			(status) => status !== 401,
			`${one.name} knows the token`,
		);
	return token;
}

export const revoke = (daemon, id) =>
	execFileSync(OFAD, ['token', 'revoke', id, ...daemon.tokenArgs], { stdio: 'pipe' });

// The id of the newest token with this scope.
export const tokenId = (daemon, scope) =>
	execFileSync(OFAD, ['token', 'list', ...daemon.tokenArgs], { encoding: 'utf8' })
		.split('\n')
		.map((line) => line.split(/\s{2,}/))
		.findLast((fields) => fields[5] === scope)[0];

// A process with its output in a file; `ended` is its code, or the signal that ended it.
export class Client {
	constructor(world, command, args) {
		this.what = [command, ...args].join(' ');
		this.log = world.path(`client-${Client.count++}.log`);
		const log = openSync(this.log, 'w');
		this.process = spawn(command, args, { stdio: ['ignore', log, log] });
		closeSync(log);
		world.stopsAtEnd({ stopNow: () => this.process.kill('SIGKILL') });
		this.ended = new Promise((resolve) =>
			this.process.once('exit', (code, signal) => resolve(signal ?? code)),
		);
	}

	static count = 0;

	get alive() {
		return this.process.exitCode === null && this.process.signalCode === null;
	}

	get output() {
		return readFileSync(this.log, 'utf8');
	}
}

// Callers that ask one after the other until they are stopped; what `act` throws is kept.
export class Load {
	faults = [];
	#stopped = false;

	// `n` callers, each with act(caller, turn).
	constructor(n, act) {
		this.callers = Array.from({ length: n }, async (_, caller) => {
			for (let turn = 0; !this.#stopped; turn++)
				await act(caller, turn).catch((error) => this.faults.push(error.message));
		});
	}

	async stop() {
		this.#stopped = true;
		await Promise.all(this.callers);
	}
}
