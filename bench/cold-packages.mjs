// GET /subnets/{id} of a package that is not in memory, from each kind of package store, on this machine: the median.
// Usage: bench/cold-packages.mjs [REQUESTS]    after make; from the build directory, OFA_SRCDIR names another source
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const source = process.env.OFA_SRCDIR || ".";
const requests = +(process.argv[2] || 200);
const WARM_UP = 50;
const dir = mkdtempSync(`${tmpdir()}/ofa-cold-`);
const service = (name, ...args) => execFileSync(`${source}/tests/services/${name}`, args, { encoding: "utf8" }).trim();

function s3Environment() {
	const text = readFileSync(`${dir}/s3/environment`, "utf8");

	return Object.fromEntries([...text.matchAll(/^export (\w+)=(.*)$/gm)].map((m) => [m[1], m[2]]));
}

// Nothing is kept in memory: no package fits.
async function start(name, args, environment) {
	const data = `${dir}/data-${name}`;
	const port = `${data}.port`;
	const daemon = spawn("server/ofad",
		["--network", `${source}/models/fashion/fashion.safetensors`, "--data", data, "--listen", "127.0.0.1:0",
			"--port-file", port, "--access-log", "off", "--log-level", "error", "--cache-bytes", "64K",
			"--front-evaluations", "0", "--rate-per-address", "0", ...args],
		{ env: { ...process.env, ...environment }, stdio: ["ignore", "ignore", "inherit"] });

	for (;;) {
		try {
			const base = `http://127.0.0.1:${readFileSync(port, "utf8").trim()}`;

			if ((await fetch(`${base}/readyz`)).ok)
				return { daemon, base };
		} catch {
			// not yet
		}
		await sleep(100);
	}
}

async function measure(name, args, environment = {}) {
	const { daemon, base } = await start(name, args, environment);
	const made = await fetch(`${base}/subnets`, {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ limits: { macs: 2000000 } }),
	});
	const size = (await made.arrayBuffer()).byteLength;
	const times = [];

	for (let i = -WARM_UP; i < requests; i++) {
		const begun = performance.now();
		const got = await fetch(base + made.headers.get("Content-Location"));

		if (got.status !== 200 || (await got.arrayBuffer()).byteLength !== size)
			throw new Error(`${name}: ${got.status}`);
		if (i >= 0)
			times.push(performance.now() - begun);
	}
	times.sort((a, b) => a - b);
	console.log(`| ${name} | ${size} | ${times[requests >> 1].toFixed(2)} | ${times[Math.floor(requests * 0.95)].toFixed(2)} |`);
	daemon.kill("SIGTERM");
	await new Promise((resolve) => daemon.on("exit", resolve));
}

try {
	console.log("| store | bytes | median, ms | 95 %, ms |\n|---|---|---|---|");
	await measure("memory", ["--cache-bytes", "64M"]);
	await measure("dir", []);
	service("postgresql", "start", `${dir}/postgresql`);
	await measure("postgresql", ["--packages", "postgresql", "--store", service("postgresql", "database", `${dir}/postgresql`, "cold")]);
	const packages = service("s3", "start", `${dir}/s3`);

	await measure("s3", ["--packages", packages], s3Environment());
} finally {
	for (const name of ["postgresql", "s3"])
		service(name, "stop", `${dir}/${name}`);
	rmSync(dir, { recursive: true, force: true });
}
