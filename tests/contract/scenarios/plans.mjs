// What a subnet consists of, before it is asked for.
import { check } from '../lib/suite.mjs';

const sum = (units, figure) => units.reduce((total, unit) => total + unit[figure], 0);

function addsUp({ json }) {
	const { units, memory } = json;
	for (const figure of ['macs', 'params']) check(sum(units, figure) === json[figure], figure);
	check(sum(units, 'storage_bytes') + json.overhead_bytes === json.storage_bytes, 'storage_bytes');
	check(Math.max(...memory.map((layer) => layer.bytes)) === json.peak_memory_bytes, 'peak_memory_bytes');
	if (json.latency_ms !== null)
		check(Math.abs(sum(units, 'latency_ms') - json.latency_ms) < 1e-9, 'latency_ms');
}

export async function plans(suite, daemon) {
	const post = (want, body) => suite.call(daemon, 'postPlan', want, { body });
	const { arch } = suite.document.operations.get('postPlan').bodies['application/json'].examples[0];

	await suite.test('postPlan: of what is delivered', async () => {
		for (const dtype of ['float32', 'float16', 'int8']) {
			const { json } = await suite.call(daemon, 'postSubnet', 200, {
				body: { profile: 'lab/board', dtype },
				headers: { Accept: 'application/json' },
			});
			const plan = await post(200, { profile: 'lab/board', dtype, arch: json.arch });
			addsUp(plan);
			for (const name of ['latency_ms', 'macs', 'params', 'storage_bytes', 'peak_memory_bytes'])
				check(plan.json[name] === json[name], `${dtype}: another ${name}`);
			check(plan.json.predicted_accuracy === json.predicted_accuracy, 'another promise');
		}
	});
	await suite.test('postPlan: a unit that was timed with another', async () => {
		const { json } = await post(200, { arch });
		const [stem, first] = json.units.map((unit) => unit.latency_key);
		const { entries, ...table } = suite.world.profile.latency_table;
		const rows = { ...entries[arch.image_size], [stem]: { included_in: first } };
		const latency_table = { ...table, entries: { ...entries, [arch.image_size]: rows } };
		const plan = await post(200, { profile: { latency_table }, arch });
		addsUp(plan);
		check(plan.json.units[0].latency_included_in === first, 'not with which');
		check(plan.json.units[0].latency_ms === 0, 'it takes time of its own');
	});
	await suite.test('postPlan: what cannot be', async () => {
		const invalid = (field) => ({ status: 422, slug: 'invalid-value', field });
		const ks = arch.ks.map((k, i) => (i === 3 ? 4 : k));
		await post(invalid('/arch/ks/3'), { arch: { ...arch, ks } });
		await post(invalid('/arch'), {});
		await post(invalid('/seed'), { arch, seed: 1 });
		await post({ status: 404, slug: 'not-found', field: '/network' }, { arch, network: 'nothing' });
		await post({ status: 404, slug: 'not-found', field: '/profile' }, { arch, profile: 'nobody/nothing' });
		const [resolution, rows] = Object.entries(suite.world.profile.latency_table.entries)[0];
		const entries = { [resolution]: Object.fromEntries(Object.entries(rows).slice(0, 1)) };
		await post(
			{ status: 422, slug: 'profile-mismatch', field: '/profile/latency_table/entries' },
			{ arch, profile: { latency_table: { unit: 'ms', entries } } },
		);
		await post({ status: 400, slug: 'not-json' }, '{');
	});
}
