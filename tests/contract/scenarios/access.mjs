// Who may do what: every operation without a token, with one of no use, with one of each scope.
import { execFileSync } from 'node:child_process';
import { execute, tokensChanged } from '../lib/database.mjs';
import { check, eventually } from '../lib/suite.mjs';
import { OFAD } from '../lib/world.mjs';

const SCOPES = ['read', 'provision', 'profiles:write', 'admin'];
const STRANGER = 'ofad_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

export function makeToken(daemon, scope, ...more) {
	const args = ['token', 'add', '--scope', scope, ...daemon.tokenArgs, ...more];
	return execFileSync(OFAD, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

// Until every replica knows of it.
export async function known(daemon, token) {
	const headers = { Authorization: `Bearer ${token}` };
	for (const one of daemon.replicas)
		await eventually(
			() => one.exchange({ method: 'GET', path: '/profiles', headers }),
			({ status }) => status !== 401,
			`${one.name} knows the token`,
		);
	return token;
}

// The scopes that the document lists for an operation; null when it is public.
function scopesOf(op) {
	if (op.security.length === 0) return null;
	return new Set(['admin', ...op.security.flatMap((alternative) => alternative.bearer)]);
}

export async function access(suite) {
	const daemon = await suite.world.start('guarded');
	const all = [...suite.document.operations.values()];
	const guarded = all.filter(scopesOf);
	const tokens = Object.fromEntries(SCOPES.map((scope) => [scope, makeToken(daemon, scope)]));
	for (const token of Object.values(tokens)) await known(daemon, token);
	const refused = (status) => ({
		status,
		slug: status === 401 ? 'unauthenticated' : 'forbidden',
		field: 'Authorization',
	});

	for (const op of all.filter((o) => !scopesOf(o)))
		await suite.test(`${op.id}: public`, () => suite.call(daemon, op.id, 200));
	for (const op of guarded) {
		await suite.test(`${op.id}: without a token`, async () => {
			await suite.call(daemon, op.id, refused(401));
			const reply = await suite.call(daemon, op.id, refused(401), { token: STRANGER });
			check(!JSON.stringify(reply).includes(STRANGER), 'it repeats the token');
			const headers = { Authorization: 'Bearer no token' };
			const bad = { status: 400, slug: 'bad-request', field: 'Authorization' };
			await suite.call(daemon, op.id, bad, { headers });
		});
		for (const scope of SCOPES)
			await suite.test(`${op.id}: scope ${scope}`, async () => {
				if (!scopesOf(op).has(scope))
					return suite.call(daemon, op.id, refused(403), { token: tokens[scope] });
				const { status } = await daemon.exchange(
					suite.request(daemon, op.id, { token: tokens[scope] }),
				);
				check(status !== 401 && status !== 403, `${status}`);
			});
	}
	await suite.test('putProfile, deleteProfile: of another owner', async () => {
		const token = await known(daemon, makeToken(daemon, 'profiles:write', '--owner', 'acme'));
		const path = { name: 'other/cam' };
		await suite.call(
			daemon,
			'putProfile',
			{ status: 403, slug: 'forbidden', field: 'name' },
			{ token, path },
		);
		await suite.call(
			daemon,
			'deleteProfile',
			{ status: 403, slug: 'forbidden', field: 'name' },
			{ token, path },
		);
	});
	await tokensOutOfReach(suite, daemon, guarded, tokens.admin);
}

// Who calls cannot be found out: nobody is let in, and nobody is told that the token is wrong.
async function tokensOutOfReach(suite, daemon, guarded, token) {
	execute(daemon, 'DROP TABLE tokens');
	tokensChanged(daemon);
	for (const one of daemon.replicas)
		await eventually(
			() => one.exchange(suite.request(one, 'listProfiles', { token })),
			(reply) => reply.status === 503,
			`${one.name} cannot check tokens`,
		).catch(() => {}); // the tests below say what it does instead
	for (const op of guarded)
		await suite.test(`${op.id}: tokens cannot be checked`, () =>
			suite.call(daemon, op.id, { status: 503, slug: daemon.kind?.store ? 'unavailable' : 'overload' }, { token }),
		);
}
