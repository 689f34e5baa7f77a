// From a question to a package, in whole, in part and not at all.
import { createHash } from 'node:crypto';
import { execute } from '../lib/database.mjs';
import { check } from '../lib/suite.mjs';

const PACKAGE = 'application/vnd.ofa.subnet';

export async function subnets(suite, daemon) {
	const post = (want, body, headers) => suite.call(daemon, 'postSubnet', want, { body, headers });
	const get = (want, headers) => suite.call(daemon, 'getSubnet', want, { headers });

	await suite.test('postSubnet: the same question, the same package', async () => {
		const first = await post(200, { seed: 1 }, { Accept: PACKAGE });
		const second = await post(200, { seed: 1 }, { Accept: PACKAGE });
		const manifest = await post(200, { seed: 1 }, { Accept: 'application/json' });
		const id = createHash('sha256').update(first.body).digest('hex');
		check(first.body.equals(second.body), 'they differ');
		check(first.headers['content-location'] === `/subnets/${id}`, 'another Content-Location');
		check(manifest.json.id === id, 'another id in the manifest');
	});
	await suite.test('postSubnet: packages of each type', async () => {
		const ids = new Set();
		for (const dtype of ['float32', 'float16', 'int8']) {
			const manifest = await post(200, { dtype, seed: 1 }, { Accept: 'application/json' });
			const named = await post(200, { dtype, seed: 1 }, { Accept: PACKAGE });
			check(manifest.json.dtype === dtype, manifest.json.dtype);
			check(named.headers['content-location'] === `/subnets/${manifest.json.id}`, 'another package');
			const known = manifest.json.predicted_accuracy !== null;
			check(known !== 'predicted_accuracy_reason' in manifest.json, 'a number and a reason, or neither');
			ids.add(manifest.json.id);
		}
		check(ids.size === 3, 'types share a package');
		const plain = await post(200, { seed: 1 }, { Accept: 'application/json' });
		check(plain.json.dtype === 'float32' && ids.has(plain.json.id), 'float32 is not what comes of itself');
		await post({ status: 422, slug: 'invalid-value', field: '/dtype' }, { dtype: 'int4' });
		const latency_table = { ...suite.world.profile.latency_table, dtype: 'int8' };
		const limits = { latency_ms: 1000 };
		await post(
			{ status: 422, slug: 'invalid-value', field: '/limits/latency_ms' },
			{ profile: { latency_table }, limits },
		);
		await post(200, { profile: { latency_table }, limits, dtype: 'int8' });
	});
	await suite.test('getSubnet: in the formats of others', async () => {
		const tags = new Set();
		for (const type of ['application/onnx', 'application/vnd.tflite', PACKAGE]) {
			const posted = await post(200, { seed: 1 }, { Accept: type });
			const whole = await suite.call(daemon, 'getSubnet', 200, {
				path: { id: posted.headers['content-location'].split('/').pop() },
				headers: { Accept: type },
			});
			check(posted.body.equals(whole.body), 'GET and POST differ');
			check(whole.headers.vary === 'Accept', whole.headers.vary);
			tags.add(whole.headers.etag);
			const part = await get(206, { Accept: type, Range: 'bytes=4-11' });
			check(part.body.length === 8, 'another length');
		}
		check(tags.size === 3, 'representations share an entity tag');
		await get(304, { Accept: 'application/onnx', 'If-None-Match': '*' });
	});
	await suite.test('postSubnet: what does not exist', async () => {
		await post({ status: 404, slug: 'not-found', field: '/profile' }, { profile: 'nobody/nothing' });
		await post({ status: 404, slug: 'not-found', field: '/network' }, { network: 'nothing' });
	});
	await suite.test('postSubnet: what cannot be', async () => {
		const refusal = await post({ status: 422, slug: 'infeasible-limits' }, { limits: { macs: 1 } });
		check(refusal.json.feasible.macs.min > 1, 'no range to choose from');
		await post({ status: 422, slug: 'invalid-value', field: '/limits/macs' }, { limits: { macs: -1 } });
		const [resolution, rows] = Object.entries(suite.world.profile.latency_table.entries)[0];
		const entries = { [resolution]: Object.fromEntries(Object.entries(rows).slice(0, 1)) };
		await post(
			{ status: 422, slug: 'profile-mismatch' },
			{ profile: { latency_table: { unit: 'ms', entries } } },
		);
		await post({ status: 400, slug: 'not-json' }, '{');
	});
	await suite.test('getSubnet: ranges', async () => {
		const whole = await get(200);
		const etag = whole.headers.etag;
		const part = await get(206, { Range: 'bytes=10-19' });
		check(part.body.equals(whole.body.subarray(10, 20)), 'other bytes');
		check(
			part.headers['content-range'] === `bytes 10-19/${whole.body.length}`,
			part.headers['content-range'],
		);
		const tail = await get(206, { Range: 'bytes=-7', 'If-Range': etag });
		check(tail.body.equals(whole.body.subarray(-7)), 'another end');
		await get(200, { Range: 'bytes=0-1', 'If-Range': '"another"' });
		await get(200, { Range: 'bytes=0-1,3-4' });
		const outside = await get(
			{ status: 416, slug: 'range-not-satisfiable', field: 'Range' },
			{ Range: `bytes=${whole.body.length}-` },
		);
		check(
			outside.headers['content-range'] === `bytes */${whole.body.length}`,
			outside.headers['content-range'],
		);
	});
	await suite.test('getSubnetManifest: what was delivered', async () => {
		const { json } = await suite.call(daemon, 'getSubnetManifest', 200);
		check(json.id === suite.known.id && json.sha256 === json.id, 'another id');
	});
	await suite.test('getSignedManifest: what may be asked', async () => {
		const signed = (want, query) => suite.call(daemon, 'getSignedManifest', want, { query });
		const { json } = await signed(200, { delivery: suite.known.delivery });
		check(JSON.parse(json.manifest).id === suite.known.id, json.manifest);
		await signed({ status: 422, slug: 'invalid-value', field: 'delivery' }, { delivery: 'x' });
		await signed({ status: 422, slug: 'invalid-value', field: 'min_sequence' }, { min_sequence: -1 });
		await signed({ status: 404, slug: 'not-found', field: 'delivery' }, { delivery: '0'.repeat(64) });
	});
}

// A delivery whose package was dropped, and whose network is not served any more.
export async function lost(suite) {
	const daemon = await suite.world.start('lost', ['--cache-bytes', '256K'], { keys: true });
	const GONE = { status: 410, slug: 'gone' };
	const id = 'ab'.repeat(32);
	const post = (want, headers) =>
		suite.call(daemon, 'postSubnet', want, { body: { seed: 410 }, headers: { Accept: PACKAGE, ...headers } });

	await suite.test('a package that cannot be made again', async () => {
		const key = { 'Idempotency-Key': 'lost' };
		const first = await post(200, key);
		const was = first.headers['content-location'].split('/')[2];
		const manifest = `replace(replace(manifest, '${was}', '${id}'), '"network":"fashion"', '"network":"old"')`;
		execute(daemon, `UPDATE deliveries SET subnet = '${id}', manifest = ${manifest}`);
		for (const op of ['getSubnet', 'getSignedManifest', 'getMinisig'])
			await suite.call(daemon, op, GONE, { path: { id } });
		await post(GONE, key);
		const again = await post(200, key);
		check(again.body.equals(first.body), 'another package');
		await suite.call(daemon, 'getSubnet', { status: 404 }, { path: { id } });
	});
}
