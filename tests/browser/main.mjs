// Runs the areas that are named, or all: each exports area(suite).
import { readdirSync } from 'node:fs';
import { Suite } from './lib.mjs';

const OTHERS = new Set(['lib.mjs', 'main.mjs']);
const here = new URL('.', import.meta.url).pathname;
const all = readdirSync(here)
	.filter((name) => name.endsWith('.mjs') && !OTHERS.has(name))
	.map((name) => name.replace('.mjs', ''));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all;
for (const name of wanted)
	if (!all.includes(name)) {
		console.error(`there is no area ${name}: ${all.join(', ')}`);
		process.exit(2);
	}

const suite = await Suite.open();
for (const name of wanted) {
	const { area } = await import(`./${name}.mjs`);
	console.log(`-- ${name}`);
	await area(suite);
}
await suite.close();
console.log(`${suite.passed} passed, ${suite.failed} failed`);
process.exit(suite.failed || !suite.passed ? 1 : 0);
