// Searches that deliver nothing: what they answer is what a package would be.
import { check } from '../lib/suite.mjs';

const PACKAGED = ['id', 'sha256', 'links'];

export async function searches(suite, daemon) {
	const search = (want, body) => suite.call(daemon, 'postSearch', want, { body });

	await suite.test('postSearch: what postSubnet delivers', async () => {
		const { latency_table } = suite.world.profile;
		for (const body of [
			{},
			{ limits: { macs: 3e6, storage_bytes: 1e6 }, dtype: 'int8' },
			{ profile: 'lab/board', limits: { latency_ms: 1000 } },
			{ profile: { name: 'mine', latency_table }, limits: { latency_ms: 1000 }, seed: 9 },
			{ profile: 'lab/board', calibrated: true },
		]) {
			const { headers, json, body: text } = await search(200, body);
			const again = await search(200, body);
			const { json: manifest } = await suite.call(daemon, 'postSubnet', 200, {
				body,
				headers: { Accept: 'application/json' },
			});
			for (const member of PACKAGED) delete manifest[member];
			check(JSON.stringify(json) === JSON.stringify(manifest), `${text} for ${JSON.stringify(manifest)}`);
			check(text.equals(again.body), 'the same question has two answers');
			check(/search;dur=[0-9.]+/.test(headers['server-timing']), headers['server-timing']);
		}
	});
	await suite.test('postSearch, postSubnet: a subnet that is given', async () => {
		const post = (want, body) =>
			suite.call(daemon, 'postSubnet', want, { body, headers: { Accept: 'application/json' } });
		const limits = { macs: 3e6 };
		const { json: searched } = await post(200, { limits });
		const { arch } = searched;
		const { json: given } = await post(200, { arch, limits });
		check(given.id === searched.id, 'another package');
		check(given.evaluations === 0 && given.seed === 0, 'something was searched');
		const { json: told } = await search(200, { arch });
		check(JSON.stringify(told.arch) === JSON.stringify(arch), JSON.stringify(told.arch));
		const ks = arch.ks.map((k, i) => (i === 3 ? 4 : k));
		const tight = { macs: searched.macs - 1 };
		for (const ask of [search, post]) {
			await ask({ status: 422, slug: 'invalid-value', field: '/arch/ks/3' }, { arch: { ...arch, ks } });
			await ask({ status: 422, slug: 'invalid-value', field: '/seed' }, { arch, seed: 1 });
			await ask({ status: 422, slug: 'infeasible-limits', field: '/limits/macs' }, { arch, limits: tight });
		}
	});
	await suite.test('postSearch: what does not exist', async () => {
		await search({ status: 404, slug: 'not-found', field: '/profile' }, { profile: 'nobody/nothing' });
		await search({ status: 404, slug: 'not-found', field: '/network' }, { network: 'nothing' });
	});
	await suite.test('postSearch: what cannot be', async () => {
		const refusal = await search({ status: 422, slug: 'infeasible-limits' }, { limits: { macs: 1 } });
		check(refusal.json.feasible.macs.min > 1, 'no range to choose from');
		await search({ status: 422, slug: 'invalid-value', field: '/limits/macs' }, { limits: { macs: -1 } });
		await search({ status: 400, slug: 'not-json' }, '{');
	});
}
