// Bundles the dashboard: node static/build.mjs OUTDIR
// Everything it needs is under static/; what is written is what a browser loads from GET / and GET /static/.
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) {
	console.error('usage: node static/build.mjs OUTDIR');
	process.exit(2);
}

const options = {
	absWorkingDir: here,
	bundle: true,
	minify: true,
	legalComments: 'none', // the licences of what is bundled stand in doc/dashboard.md
	target: ['es2022'],
	logLevel: 'warning',
};

await mkdir(out, { recursive: true });
await Promise.all([
	build({ ...options, entryPoints: { app: 'src/main.ts' }, format: 'esm', outdir: out }),
	build({ ...options, entryPoints: { try: 'src/try/worker.ts' }, format: 'esm', outdir: out }),
	build({ ...options, entryPoints: { app: 'src/style/app.css' }, outdir: out }),
	...['index.html', 'icon.svg'].map((name) => cp(join(here, name), join(out, name))),
]);
