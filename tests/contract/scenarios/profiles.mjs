// The life of a profile.
import { check } from '../lib/suite.mjs';

const NEW = { 'If-None-Match': '*' };
const BAD = { name: 'no%20spaces' };

export async function profiles(suite, daemon) {
	const call = (id, want, request) => suite.call(daemon, id, want, request);

	await suite.test('putProfile: a new one and another in its place', async () => {
		const path = { name: 'lab/short-lived' };
		const put = (want, limit, headers) =>
			call('putProfile', want, { path, body: { limits: { macs: limit } }, headers });
		const created = await call('putProfile', 201, { path, body: suite.world.profile, headers: NEW });
		check(created.headers.location === '/profiles/lab/short-lived', created.headers.location);
		check(created.json.latency_entries > 100, 'no latency table');
		const first = created.json.etag;
		await call(
			'putProfile',
			{ status: 428, slug: 'precondition-required', field: 'If-Match' },
			{ path, bare: true },
		);
		await put({ status: 412, slug: 'precondition-failed', field: 'If-None-Match' }, 2e6, NEW);
		await put(200, 2e6, { 'If-Match': first });
		await put({ status: 412, slug: 'precondition-failed', field: 'If-Match' }, 3e6, { 'If-Match': first });
		const { json } = await call('getProfile', 200, { path });
		check(json.limits.macs === 2e6, JSON.stringify(json));
		await call(
			'deleteProfile',
			{ status: 412, slug: 'precondition-failed' },
			{ path, headers: { 'If-Match': first } },
		);
		await call('deleteProfile', 204, { path, headers: { 'If-Match': '*' } });
		await call('getProfile', 404, { path });
		const revisions = await call('listProfileRevisions', 200, { path });
		check(revisions.json.revisions.length === 2, JSON.stringify(revisions.json));
		const kept = await call('getProfileRevision', 200, { path: { ...path, revision: 1 } });
		check(kept.headers.etag === first, 'another ETag after the deletion');
	});
	await suite.test('revisions: pages, and what there is not', async () => {
		const query = { limit: 1 };
		const first = await call('listProfileRevisions', 200, { query });
		const cursor = /cursor=([^&>]+)/.exec(first.headers.link)[1];
		const second = await call('listProfileRevisions', 200, { query: { ...query, cursor } });
		check(
			second.json.revisions[0].revision === first.json.revisions[0].revision - 1,
			JSON.stringify(second.json),
		);
		await call(
			'listProfileRevisions',
			{ status: 422, field: 'cursor', slug: 'invalid-value' },
			{ query: { cursor: '-' } },
		);
		await call('getProfileRevision', { status: 404, slug: 'not-found' }, { path: { revision: 999 } });
		await call('getProfileRevision', { status: 422, slug: 'invalid-value' }, { path: BAD });
	});
	await suite.test('putProfile: what others publish, in every media type', async () => {
		const resolutions = Object.values(suite.world.profile.latency_table.entries);
		const rows = new Map(resolutions.flatMap(Object.entries).filter(([, row]) => row.mean));
		const yaml = [...rows].map(([key, row]) => `${key}:\n  mean: ${row.mean}\n  count: 3\n`).join('');
		for (const type of ['application/yaml', 'application/x-yaml', 'text/yaml']) {
			const path = { name: `lab/${type.replace('/', '-')}` };
			const { json } = await call('putProfile', 201, {
				path,
				body: yaml,
				type,
				query: { unit: 'ms' },
				headers: NEW,
			});
			check(json.table.rows > 100, JSON.stringify(json.table));
			await call('deleteProfile', 204, { path });
		}
		await call('putProfile', { status: 400, slug: 'not-yaml' }, { body: '{', type: 'text/yaml' });
	});
	await suite.test('putProfile: what is refused', async () => {
		await call('putProfile', { status: 400, slug: 'not-json' }, { body: '{"limits": {}' });
		await call(
			'putProfile',
			{ status: 422, slug: 'invalid-value', field: '/name' },
			{ body: { name: 'other' } },
		);
		await call(
			'putProfile',
			{ status: 422, slug: 'invalid-value', field: 'unit' },
			{ query: { unit: 'h' } },
		);
		await call('putProfile', { status: 422, slug: 'invalid-value', field: 'name' }, { path: BAD });
	});
	await suite.test('getProfile, deleteProfile: no name of a profile', async () => {
		await call('getProfile', { status: 422, slug: 'invalid-value', field: 'name' }, { path: BAD });
		await call('deleteProfile', { status: 422, slug: 'invalid-value', field: 'name' }, { path: BAD });
	});
	await suite.test('listProfiles: pages', async () => {
		for (const name of ['lab/a', 'lab/b', 'lab/c'])
			await call('putProfile', 201, { path: { name }, headers: NEW });
		const names = [];
		let next = '/profiles?limit=2';
		while (next) {
			const query = Object.fromEntries(new URLSearchParams(next.split('?')[1]));
			const page = await call('listProfiles', 200, { query });
			names.push(...page.json.profiles.map((p) => p.name));
			next = /^<([^>]*)>; rel="next"$/.exec(page.headers.link ?? '')?.[1];
		}
		check(
			['lab/a', 'lab/b', 'lab/c'].every((n) => names.includes(n)),
			names.join(),
		);
		check(names.length === new Set(names).size, `twice: ${names.join()}`);
		await call(
			'listProfiles',
			{ status: 422, slug: 'invalid-value', field: 'limit' },
			{ query: { limit: 0 } },
		);
	});
	await suite.test('listLatencyKeys: those that a table must have', async () => {
		const query = { resolutions: '28' };
		const { json } = await call('listLatencyKeys', 200, { query });
		const rows = suite.world.profile.latency_table.entries[28];
		check(
			json.keys[28].every((key) => key in rows),
			'the complete table does not have them',
		);
		await call(
			'listLatencyKeys',
			{ status: 422, slug: 'invalid-value', field: 'resolutions' },
			{ query: { resolutions: 'x' } },
		);
	});
	await suite.test('getPareto: of a profile', async () => {
		const { json } = await call('getPareto', 200, {
			query: { profile: 'lab/board', metric: 'latency_ms' },
		});
		check(
			json.points.every((p) => p.latency_ms > 0),
			'a point without latency',
		);
		await call('getPareto', { status: 404, slug: 'not-found' }, { query: { profile: 'nobody/nothing' } });
		await call(
			'getPareto',
			{ status: 422, slug: 'invalid-value', field: 'metric' },
			{ query: { metric: 'beauty' } },
		);
	});
	await suite.test('getSamples: of a profile', () => samples(call));
	await suite.test('getFront: pages', () => pages(suite, call));
}

// By the table of doc/api.md.
function columnsOf(body) {
	const view = new DataView(body.buffer, body.byteOffset, body.length);
	const [version, n, columns, header] = [8, 12, 16, 20].map((at) => view.getUint32(at, true));
	check(body.toString('latin1', 0, 8) === 'OFASMPL\0', 'no magic');
	check(version === 1 && columns === 6 && header === 32, `version ${version}, ${columns} columns`);
	check(body.length === header + 4 * n * columns, `${body.length} bytes`);
	return Array.from({ length: columns }, (_, c) =>
		Float32Array.from({ length: n }, (_, i) => view.getFloat32(header + 4 * (c * n + i), true)),
	);
}

async function samples(call) {
	const query = { profile: 'lab/board', n: 3000, seed: 1 };
	const { body } = await call('getSamples', 200, { query });
	const columns = columnsOf(body);
	const least = [0, 1e-3, 1e3, 1e3, 1e3, 14];
	const most = [1, 1e3, 1e9, 1e8, 1e8, 28];
	columns.forEach((column, c) =>
		check(
			column.every((value) => value >= least[c] && value <= most[c]),
			`column ${c} is not from ${least[c]} to ${most[c]}`,
		),
	);
	const bare = columnsOf((await call('getSamples', 200, { query: { ...query, profile: '' } })).body);
	check(bare[1].every(Number.isNaN), 'latency without a table');
	check(bare[2].join() === columns[2].join(), 'other archs without a profile');
	await call('getSamples', { status: 404, slug: 'not-found' }, { query: { profile: 'nobody/nothing' } });
	for (const [name, value] of Object.entries({ n: '0', seed: '-1', dtype: 'int4', profile: 'a b' }))
		await call('getSamples', { status: 422, slug: 'invalid-value', field: name }, { query: { [name]: value } });
}

const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+="[^"<>]*")*)\s*(\/?)>/g;

// XML but for the doctype: every element is closed in its turn, every attribute in quotes, no other < or &.
function wellFormed(html) {
	check(html.startsWith('<!DOCTYPE html>\n'), 'no doctype');
	const rest = html.replace(/^<!DOCTYPE html>/, '');
	const open = [];
	for (const [tag, end, name, , empty] of rest.matchAll(TAG)) {
		if (end) check(open.pop() === name, `${tag} ends another element`);
		else if (!empty) open.push(name);
	}
	check(open.length === 0, `${open.join()} without an end`);
	check(!/[<>]/.test(rest.replaceAll(TAG, '')), `markup in the text: ${rest.replaceAll(TAG, '').match(/[<>].{0,40}/)}`);
	check(!/&(?!(amp|lt|gt|quot|#39);)/.test(rest), 'an & that begins nothing');
}

async function pages(suite, call) {
	const page = async (status, query) => {
		const text = (await call('getFront', status, { query })).body.toString();
		wellFormed(text);
		check(text.includes('<form method="get" action="front">'), 'no form');
		return text;
	};
	const example = suite.operation('getFront').responses.get('200').content['text/html'];
	wellFormed(suite.document.at(example.schema.replace(/schema$/, 'example')).value);
	const table = await page(200, { profile: 'lab/board', metric: 'latency_ms' });
	const { json } = await call('getPareto', 200, { query: { profile: 'lab/board', metric: 'latency_ms' } });
	check(table.split('<th scope="row">').length - 1 === json.points.length, 'another number of points');
	await page(404, { network: '"><script>alert(1)</script>&' });
	await page(404, { profile: 'nobody/nothing' });
	for (const name of ['profile', 'metric', 'dtype']) {
		const text = await page(422, { [name]: '"><b>' });
		check(text.includes(`name="${name}" aria-invalid="true"`), `${name} is not marked`);
	}
}
