// Requests and searches per second of 1, 2 and 3 replicas over one PostgreSQL, behind nginx and directly, with what each
// process spends on them.  One table in Markdown; needs wrk, postgresql and nginx.
//   node bench/scale.mjs [--seconds 5] [--rounds 3] [--replicas 1,2,3]
//   OFA_BUILDDIR  where the tree was built (default: the source tree)
// Each measurement is made `rounds` times after one that is not counted; what is printed are medians.  All of it runs on
// one machine: shares are of one processor, so that all together are at most 100 % times their number.  What a request
// costs each process is what a sizing for other machines begins with.
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { SOURCE } from '../tests/contract/lib/daemon.mjs';
import { World } from '../tests/contract/lib/world.mjs';

const { values } = parseArgs({
	options: {
		seconds: { type: 'string', default: '5' },
		rounds: { type: 'string', default: '3' },
		replicas: { type: 'string', default: '1,2,3' },
	},
});
const SECONDS = Number(values.seconds);
const ROUNDS = Number(values.rounds);
const TICKS = 100; // of /proc, a second: Linux says so to all programs
const CONNECTIONS = 32;
const JSON_TYPE = 'application/json';
const PACKAGE = 'application/vnd.ofa.subnet';
const run = promisify(execFile);

const fresh = (i) => `{"seed":%d,"limits":{"macs":${4000000 + i}}}`;

// [name, path, what is accepted, body of POST for the i-th wrk or null for GET]
const WORKLOADS = [
	['POST /subnets, known answer', () => '/subnets', JSON_TYPE, () => '{}'],
	['GET /subnets/{id}, a package', (id) => `/subnets/${id}`, PACKAGE, () => null],
	['POST /searches, never asked before', () => '/searches', JSON_TYPE, fresh],
	['POST /subnets, never asked before', () => '/subnets', JSON_TYPE, fresh],
];

// The fields of /proc/PID/stat after the name, or null when there is no such process any more.
function stat(pid) {
	try {
		const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
		return text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
	} catch {
		return null;
	}
}

// Seconds of processor time of a process and of its children, those that are gone included.
function spent(parent) {
	const own = stat(parent);
	const children = readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map(stat)
		.filter((fields) => fields?.[1] === parent);
	const ticks = children.reduce((sum, fields) => sum + fields[11] + fields[12], own[11] + own[12] + own[13] + own[14]);
	return ticks / TICKS;
}

const waitedFor = () => {
	const fields = stat('self');
	return (fields[13] + fields[14]) / TICKS;
};

function idle() {
	const fields = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
	return (fields[3] + fields[4]) / TICKS;
}

async function wrk(port, path, accept, body, connections) {
	const args = ['-t', '1', '-c', connections, '-d', `${SECONDS}s`, '--timeout', '30', '-s', join(SOURCE, 'bench/post.lua')];
	const { stdout } = await run('wrk', [...args, `http://127.0.0.1:${port}${path}`, '--', accept, ...(body ? [body] : [])].map(String));
	const [rate, , p99, failed] = /^RESULT (.*)$/m.exec(stdout)[1].split(' ').map(Number);
	if (failed) throw new Error(`${failed} requests failed: ${path}`);
	return { rate, p99 };
}

// One measurement: requests a second, p99, and processor seconds of each.
async function measure(together, database, ports, [, pathOf, accept, bodyOf], id) {
	const processes = {
		ofad: () => together.replicas.reduce((sum, one) => sum + spent(one.pid), 0),
		nginx: () => spent(together.nginx.pid),
		postgres: () => spent(database.pid),
		wrk: waitedFor,
		idle,
	};
	const before = Object.entries(processes).map(([name, of]) => [name, of()]);
	const results = await Promise.all(
		ports.map((port, i) => wrk(port, pathOf(id), accept, bodyOf(i), Math.ceil(CONNECTIONS / ports.length))),
	);
	return {
		rate: results.reduce((sum, { rate }) => sum + rate, 0),
		p99: Math.max(...results.map(({ p99 }) => p99)),
		...Object.fromEntries(before.map(([name, at]) => [name, (processes[name]() - at) / SECONDS])),
	};
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

function limit({ ofad, nginx, postgres, wrk: load, idle: rest }) {
	if (rest > 0.15 * cpus().length) return `not the processors, which rest ${Math.round((100 * rest) / cpus().length)} % of the time`;
	const most = Object.entries({ ofad, nginx, PostgreSQL: postgres, 'the load itself': load }).sort((a, b) => b[1] - a[1]);
	return `the processors: ${most[0][0]} takes most of them`;
}

function line(name, way, replicas, m) {
	const names = ['ofad', 'nginx', 'postgres', 'wrk'];
	const shares = names.map((one) => `${Math.round(100 * m[one])} %`);
	const costs = names.slice(0, 3).map((one) => (m.rate ? ((1000 * m[one]) / m.rate).toFixed(3) : '-'));
	console.log(
		`| ${[name, way, replicas, Math.round(m.rate), m.p99.toFixed(1), ...shares, ...costs, limit(m)].join(' | ')} |`,
	);
}

async function scale(n) {
	const world = new World({ topology: 'postgresql' });
	const together = await world.start(`of${n}`, [], { replicas: n });
	const database = await world.postgresql();
	const known = await together.exchange({
		method: 'POST',
		path: '/subnets',
		headers: { 'Content-Type': JSON_TYPE, Accept: JSON_TYPE },
		body: '{}',
	});
	const { id } = JSON.parse(known.body);
	for (const workload of WORKLOADS)
		for (const [way, ports] of [
			['nginx', [together.port]],
			['direct', together.replicas.map((one) => one.port)],
		]) {
			await measure(together, database, ports, workload, id);
			const all = [];
			for (let round = 0; round < ROUNDS; round++) all.push(await measure(together, database, ports, workload, id));
			const names = Object.keys(all[0]);
			line(workload[0], way, n, Object.fromEntries(names.map((key) => [key, median(all.map((one) => one[key]))])));
			await sleep(1000); // other seeds
		}
	await together.stop();
	await database.act('stop');
}

console.log(`${cpus().length} processors (${cpus()[0].model.trim()}), ${CONNECTIONS} connections, medians of ${ROUNDS} x ${SECONDS} s\n`);
const heads = ['', 'way', 'replicas', 'a second', 'p99 ms', 'ofad', 'nginx', 'PostgreSQL', 'wrk'];
const costs = ['ms of ofad', 'of nginx', 'of PostgreSQL', 'what limits'];
console.log(`| ${[...heads, ...costs].join(' | ')} |`);
console.log(`|${'---|'.repeat(heads.length + costs.length)}`);
for (const n of values.replicas.split(',').map(Number)) await scale(n);
