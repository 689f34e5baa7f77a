// What devices report.
import { check, eventually } from '../lib/suite.mjs';

export async function measurements(suite, daemon) {
	const call = (id, want, request) => suite.call(daemon, id, want, request);
	const post = (want, body) => call('postMeasurement', want, { body });

	await suite.test('postMeasurement: kept, listed and read again', async () => {
		const kept = await post(201, { latency_ms: 2.5, p50: 2, p95: 3, accuracy: 0.9, device: 'board:7' });
		const [, path, number] = /^(.*)\/(\d+)$/.exec(kept.headers.location);
		check(path === `/subnets/${suite.known.id}/measurements`, kept.headers.location);
		const again = await call('getMeasurement', 200, { path: { number } });
		check(again.json.device === 'board:7' && again.json.p95 === 3, JSON.stringify(again.json));
		const { json } = await call('listMeasurements', 200);
		check(json.measurements[0].number === Number(number), JSON.stringify(json));
	});
	await suite.test('postMeasurement: what is refused', async () => {
		await post({ status: 422, slug: 'invalid-value', field: '/latency_ms' }, { latency_ms: -1 });
		await post({ status: 422, slug: 'invalid-value', field: '/p95' }, { latency_ms: 1, p50: 2, p95: 1 });
		await post({ status: 422, slug: 'invalid-value', field: '/watts' }, { latency_ms: 1, watts: 3 });
		await post({ status: 400, slug: 'not-json' }, '{');
	});
	await suite.test('getCalibration: what was measured moves what is answered', async () => {
		const profile = 'lab/board';
		const { json } = await suite.call(daemon, 'postSubnet', 200, {
			body: { profile, limits: { latency_ms: 0.2 } },
			headers: { Accept: 'application/json' },
		});
		const before = await call('getCalibration', 200, { path: { name: profile } });
		check(before.json.fit === 'none' && before.json.before === null, JSON.stringify(before.json));
		const body = { latency_ms: 2 * json.latency_ms };
		await call('postMeasurement', 201, { path: { id: json.id }, body });
		const after = await call('getCalibration', 200, { path: { name: profile }, query: { revision: 1 } });
		check(after.json.fit === 'scale' && Math.abs(after.json.scale - 2) < 1e-3, JSON.stringify(after.json));
		// of replicas one may know of the measurement a moment later
		await eventually(
			() =>
				suite.call(daemon, 'postSubnet', 200, {
					body: { profile, limits: { latency_ms: 0.4 }, calibrated: true },
					headers: { Accept: 'application/json' },
				}),
			({ json: calibrated }) => calibrated.calibration.scale === after.json.scale,
			'another calibration is searched with',
		);
		await call(
			'getCalibration',
			{ status: 422, slug: 'invalid-value', field: 'revision' },
			{ query: { revision: 'x' } },
		);
	});
	await suite.test('listMeasurements: no cursor of ours', async () => {
		const query = { cursor: 'none' };
		await call('listMeasurements', { status: 422, slug: 'invalid-value', field: 'cursor' }, { query });
		await call('getMeasurement', { status: 404, slug: 'not-found' }, { path: { number: 999999 } });
	});
}
