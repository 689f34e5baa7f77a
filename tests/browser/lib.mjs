// A live ofad with the network that ships and two devices, a browser, and tests that also fail by what they did not
// look for: an error on the console, a request to another host, a violated policy, an answer that was not expected.
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { Mismatch, check, eventually } from '../contract/lib/suite.mjs';
import { SOURCE, World } from '../contract/lib/world.mjs';

export { Mismatch, check, eventually };
const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const TEST_MS = 90000, WAIT_MS = 20000;
export const NETWORK = 'fashion';
export const FAST = 'acme/phone', SLOW = 'acme/cam-m7'; // the profiles that are there from the beginning
export const SIZES = {
	narrow: { width: 360, height: 800 },
	usual: { width: 1280, height: 800 },
	huge: { width: 3840, height: 2160 },
};

export class Suite {
	passed = 0;
	failed = 0;

	static async open() {
		const suite = new Suite();
		suite.world = new World();
		suite.server = await suite.start('browser');
		suite.browser = await chromium.launch({
			executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
			args: process.getuid() === 0 ? ['--no-sandbox'] : [],
		});
		return suite;
	}

	// A further ofad with the network that ships; its profiles are stored unless `bare`.
	async start(name, args = [], options = {}) {
		const network = options.network ?? join(SOURCE, 'models/fashion/fashion.safetensors');
		const daemon = await this.world.start(name, args, { ...options, network });
		daemon.url = `http://127.0.0.1:${daemon.port}`;
		if (!options.bare)
			for (const [profile, factor] of [[FAST, 1], [SLOW, 8]])
				await this.putProfile(daemon, profile, this.table(factor));
		return daemon;
	}

	// A profile that covers the network, `factor` times as slow as the usual one and slower still for large kernels.
	table(factor) {
		const profile = structuredClone(this.world.profile);
		for (const entries of Object.values(profile.latency_table.entries))
			for (const [key, entry] of Object.entries(entries))
				if (entry.mean) entry.mean *= factor * (factor > 1 && key.includes('kernel:7') ? 1.5 : 1);
		return profile;
	}

	async putProfile(daemon, name, profile) {
		const reply = await fetch(`${daemon.url}/profiles/${name}`, {
			method: 'PUT',
			headers: { 'Content-Type': 'application/json', 'If-None-Match': '*' },
			body: JSON.stringify(profile),
		});
		check(reply.status === 201, `profile ${name}: ${reply.status} ${await reply.text()}`);
	}

	// JSON of the API, for comparison with what a page shows.
	async ask(path, body, server = this.server) {
		const reply = await fetch(`${server.url}/${path}`, {
			headers: { Accept: 'application/json', ...(body ? { 'Content-Type': 'application/json' } : {}) },
			...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
		});
		check(reply.ok, `${path}: ${reply.status}`);
		return reply.json();
	}

	// One path of a user on a page of its own.  Options: hash (of the URL), size, scheme ('light' or 'dark'), server,
	// allow (statuses of answers that are part of the path), script (false: none), context (of playwright).
	async test(name, options, body) {
		const server = options.server ?? this.server;
		const context = await this.browser.newContext({
			viewport: options.size ?? SIZES.usual,
			colorScheme: options.scheme ?? 'light',
			javaScriptEnabled: options.script ?? true,
			acceptDownloads: true,
			...options.context,
		});
		context.setDefaultTimeout(WAIT_MS);
		const page = await context.newPage();
		const faults = watch(page, server.url, new Set(options.allow ?? []));
		let timer;
		try {
			await Promise.race([
				(async () => {
					await page.goto(`${server.url}/${options.hash ?? ''}`);
					await body(page, { context, server });
				})(),
				new Promise((_, reject) => {
					timer = setTimeout(() => reject(new Mismatch(`not within ${TEST_MS / 1000} s`)), TEST_MS);
				}),
			]);
			check(faults.length === 0, faults.join('; '));
			this.passed++;
		} catch (error) {
			this.failed++;
			console.log(`FAIL ${name}: ${error.message}`);
			if (faults.length) console.log(`  seen by then: ${faults.join('; ')}`);
			if (!(error instanceof Mismatch)) console.log(error.stack.split('\n').slice(1, 6).join('\n'));
			await picture(page, `failed-${name.replace(/\W+/g, '-')}`);
		} finally {
			clearTimeout(timer);
			await context.close();
		}
	}

	async close() {
		await this.browser.close();
		for (const daemon of this.world.daemons) await daemon.stop();
	}
}

// What may not happen on any page.
function watch(page, url, allowed) {
	const faults = [];
	page.on('console', (message) => {
		// answers are judged by their status, below
		if (['error', 'warning'].includes(message.type()) && !message.text().startsWith('Failed to load resource'))
			faults.push(`console: ${message.text()}`);
	});
	page.on('pageerror', (error) => faults.push(`error: ${error.stack ?? error.message}`));
	page.on('request', (request) => {
		const target = request.url();
		if (!target.startsWith(`${url}/`) && !target.startsWith('blob:'))
			faults.push(`a request to ${target.slice(0, 100)}`);
	});
	page.on('response', (response) => {
		const status = response.status();
		if (status >= 400 && !allowed.has(status))
			faults.push(`${response.request().method()} ${response.url()}: ${status}`);
	});
	return faults;
}

// Nothing that axe-core calls serious or critical, on the page as it is now.
export async function accessible(page, what = 'the page') {
	await page.evaluate(AXE);
	const found = await page.evaluate(() =>
		globalThis.axe.run(document, { resultTypes: ['violations'] }).then((result) =>
			result.violations
				.filter((v) => v.impact === 'serious' || v.impact === 'critical')
				.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')}`)));
	check(found.length === 0, `${what}: ${found.join('; ')}`);
}

// Nothing sticks out to the side.
export async function fits(page) {
	const { inner, content } = await page.evaluate(() => ({
		inner: document.documentElement.clientWidth,
		content: document.documentElement.scrollWidth,
	}));
	check(content <= inner, `the page is ${content} px wide in a window of ${inner}`);
}

// A picture for people, where they are wanted; of the window, or of the whole page.
export async function picture(page, name, { fullPage = false } = {}) {
	const dir = process.env.OFA_SCREENSHOTS;
	if (!dir) return;
	await mkdir(dir, { recursive: true });
	await page.screenshot({ path: join(dir, `${name}.png`), fullPage });
}
