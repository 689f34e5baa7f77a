// Has the server build a subnet and fetches it, in any of its formats.
import { ApiError, path, type Api } from '../api';
import type { Session } from '../session';
import type { Job, SubnetRequest } from '../types';

// How long a request is waited for before the job's progress is shown.
const WAIT_S = 2;

export interface Delivered {
	id: string;
	blob: Blob;
	checked: boolean; // its digest is what the server says
}

// A path of the server, from where the page is.
const here = (location: string) => location.replace(/^\//, '');

function pause(seconds: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		const end = () => {
			clearTimeout(timer);
			reject(signal.reason as Error);
		};
		const timer = setTimeout(() => {
			signal.removeEventListener('abort', end);
			resolve();
		}, 1000 * seconds);
		signal.addEventListener('abort', end, { once: true });
	});
}

// Returns once the job is over.  A signal that fires cancels it on the server, too.
async function awaitJob(api: Api, location: string, signal: AbortSignal, onJob: (job: Job) => void): Promise<void> {
	try {
		for (;;) {
			const job = await api.json<Job>(here(location), { signal });
			onJob(job);
			if (job.error) throw new ApiError(job.error.status, job.error);
			if (job.state === 'cancelled') throw new Error('the job was cancelled');
			if (job.poll_after_s === null) return;
			await pause(job.poll_after_s, signal);
		}
	} catch (e) {
		// a server that was restarted has forgotten the job, not what was found
		if (e instanceof ApiError && e.status === 404) return;
		if (signal.aborted) await api.fetch(here(location), { method: 'DELETE' }).catch(() => undefined);
		throw e;
	}
}

async function ask(
	api: Api, body: SubnetRequest, accept: string, signal: AbortSignal, onJob: (job: Job) => void
): Promise<Response> {
	for (;;) {
		const headers = { Prefer: `wait=${WAIT_S}` };
		const response = await api.fetch('subnets', { body, accept, headers, signal });
		if (response.status !== 202) return response;
		await awaitJob(api, response.headers.get('Location') ?? '', signal, onJob);
	}
}

async function sha256(blob: Blob): Promise<string> {
	const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
	return `sha-256=:${btoa(String.fromCharCode(...digest))}:`;
}

// Browsers have crypto.subtle only where the page came by TLS or from this machine.
async function check(response: Response, blob: Blob): Promise<boolean> {
	const said = response.headers.get('Repr-Digest');
	if (!said || !globalThis.crypto?.subtle) return false;
	if ((await sha256(blob)) !== said) throw new Error('what arrived is not what the server sent: its SHA-256 differs');
	return true;
}

export async function deliver(
	session: Session, body: SubnetRequest, accept: string, signal: AbortSignal, onJob: (job: Job) => void
): Promise<Delivered> {
	const response = await ask(session.api, body, accept, signal, onJob);
	const id = /\/subnets\/([0-9a-f]{64})/.exec(response.headers.get('Content-Location') ?? '')?.[1] ?? '';
	const blob = await response.blob();
	return { id, blob, checked: await check(response, blob) };
}

// The signed manifest of this delivery, or the package's signature for minisign.
export async function deliverSigned(
	session: Session, body: SubnetRequest, what: 'signed_manifest' | 'minisig', signal: AbortSignal,
	onJob: (job: Job) => void
): Promise<Delivered> {
	const response = await ask(session.api, body, 'application/json', signal, onJob);
	const manifest = (await response.json()) as { id: string; links: Record<string, string> };
	const link = manifest.links[what] ?? (what === 'minisig' ? path`subnets/${manifest.id}.minisig` : '');
	const signed = await session.api.fetch(here(link), { signal });
	return { id: manifest.id, blob: await signed.blob(), checked: false };
}
