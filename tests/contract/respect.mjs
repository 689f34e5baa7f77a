// The users' paths of fleet.arazzo.yaml against a live server, by Redocly respect, which holds each reply against the
// document by itself.  An operation that is in none of them fails the run.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { Document } from './lib/document.mjs';
import { SOURCE, World } from './lib/world.mjs';

const ARAZZO = 'fleet.arazzo.yaml';
// A front that takes seconds to compute, so that the first workflow finds a job under way.
const LONG = ['--front-evaluations', '10000000'];

const operationsOf = (arazzo) =>
	new Set(arazzo.workflows.flatMap((w) => w.steps.map((s) => s.operationId.split('.').at(-1))));

// Every check of every step: [what, passed].
function checksOf(results) {
	const workflows = Object.values(results.files).flatMap((file) => file.executedWorkflows ?? []);
	return workflows.flatMap((w) =>
		w.executedSteps.flatMap((step) =>
			(step.checks ?? []).map((c) => [
				`${w.workflowId} ${step.stepId}: ${c.name} ${c.message ?? ''}`,
				c.status === 'success',
			]),
		),
	);
}

async function main() {
	const world = new World();
	const daemon = await world.start('respect', LONG, { keys: true });
	const headers = { 'Content-Type': 'application/json', 'If-None-Match': '*' };
	await daemon.exchange({
		method: 'PUT',
		path: '/profiles/lab/board',
		headers,
		body: JSON.stringify(world.profile),
	});

	const output = world.path('respect.json');
	const redocly = 'node_modules/@redocly/cli/bin/cli.js';
	const args = [
		redocly,
		'respect',
		ARAZZO,
		'--server',
		`openapi=http://127.0.0.1:${daemon.port}`,
		'--json-output',
		output,
	];
	const run = await promisify(execFile)(process.execPath, args).catch((error) => error);
	const checks = checksOf(JSON.parse(readFileSync(output, 'utf8')));
	const failed = checks.filter(([, passed]) => !passed).map(([what]) => what);
	const walked = operationsOf(parse(readFileSync(ARAZZO, 'utf8')));
	const document = new Document(join(SOURCE, 'openapi/openapi.yaml'));
	for (const id of document.operations.keys()) if (!walked.has(id)) failed.push(`no workflow has ${id}`);
	if (run.code && !failed.length) failed.push(`redocly ended with ${run.code}`);
	await daemon.stop();

	if (failed.length) console.log(run.stdout);
	for (const what of failed) console.log(`FAIL ${what}`);
	const passed = checks.filter(([, ok]) => ok).length;
	console.log(`${passed} passed, ${failed.length} failed`);
	process.exit(failed.length > 0 ? 1 : 0);
}

await main();
