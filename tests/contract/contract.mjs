// Every operation of openapi/openapi.yaml with each of its statuses, headers, parameters and media types, against live
// servers; each reply is held against the document.  What was never exercised fails the run.
import { join } from 'node:path';
import { Document } from './lib/document.mjs';
import { check, Suite } from './lib/suite.mjs';
import { SOURCE, World } from './lib/world.mjs';
import { access } from './scenarios/access.mjs';
import { generic } from './scenarios/generic.mjs';
import { finishedJob, jobs } from './scenarios/jobs.mjs';
import { limits, load } from './scenarios/load.mjs';
import { measurements } from './scenarios/measurements.mjs';
import { plans } from './scenarios/plans.mjs';
import { profiles } from './scenarios/profiles.mjs';
import { searches } from './scenarios/searches.mjs';
import { service } from './scenarios/service.mjs';
import { lost, subnets } from './scenarios/subnets.mjs';

// Documented, and not to be had from outside: unit -> why.
const EXCEPTIONS = {};

const cursorOf = (reply) => /cursor=([^&>]+)/.exec(reply.headers.link)[1];

async function prepare(suite, daemon) {
	await suite.test('profiles and a package to ask for', async () => {
		const { profile } = suite.world;
		const put = (status, name, body, headers = { 'If-None-Match': '*' }) =>
			suite.call(daemon, 'putProfile', status, { path: { name }, body, headers });
		await put(201, 'acme/cam-m7', profile);
		await put(200, 'acme/cam-m7', { ...profile, limits: { macs: 9e6 } }, { 'If-Match': '*' });
		await put(201, 'lab/board', profile);
		for (const list of ['listProfiles', 'listProfileRevisions'])
			suite.known[`${list} cursor`] = cursorOf(
				await suite.call(daemon, list, 200, { query: { limit: 1 } }),
			);
		const { json } = await suite.call(daemon, 'postSubnet', 200, {
			body: {},
			headers: { Accept: 'application/json' },
		});
		suite.known.id = json.id;
		for (const device of ['first', 'second'])
			await suite.call(daemon, 'postMeasurement', 201, { body: { latency_ms: 4, device } });
		const measured = await suite.call(daemon, 'listMeasurements', 200, { query: { limit: 1 } });
		suite.known.number = measured.json.measurements[0].number;
		suite.known['listMeasurements cursor'] = cursorOf(measured);
		suite.known.delivery = /delivery=(\w+)/.exec(json.links.signed_manifest)[1];
		suite.known.job = await finishedJob(suite, daemon);
	});
}

async function main() {
	const world = new World();
	const suite = new Suite(world, new Document(join(SOURCE, 'openapi/openapi.yaml')));
	const daemon = await world.start('plain', [], { keys: true });

	await service(suite, daemon);
	await prepare(suite, daemon);
	await generic(suite, daemon);
	await subnets(suite, daemon);
	await searches(suite, daemon);
	await plans(suite, daemon);
	await profiles(suite, daemon);
	await measurements(suite, daemon);
	await jobs(suite);
	await access(suite);
	await lost(suite);
	await limits(suite);
	await load(suite);
	for (const one of world.daemons)
		await suite.test(`ofad ${one.name} ends`, async () => {
			const how = await one.stop();
			check(how === 0, `with ${how}: ${one.logTail()}`);
		});

	const { covered, missing, stale, excepted } = suite.coverage.report(EXCEPTIONS);
	// of a status that never came there is no need to list the headers
	for (const unit of missing.filter((name) => !missing.some((other) => name.startsWith(`${other} `))))
		console.log(`FAIL never exercised: ${unit}`);
	for (const unit of stale) console.log(`FAIL an exception that is none: ${unit}`);
	const failed = suite.failed + missing.length + stale.length;
	console.log(
		`${suite.document.operations.size} operations, ${suite.replies} replies checked, ` +
			`${covered} units covered, ${excepted} excepted`,
	);
	console.log(`${suite.passed + covered} passed, ${failed} failed`);
	process.exit(failed > 0 ? 1 : 0);
}

await main();
