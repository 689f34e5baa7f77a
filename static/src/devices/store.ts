// Writing profiles: what is there is never replaced or deleted unseen.
import { ApiError, path, query } from '../api';
import type { Session } from '../session';
import type { Profile, ProfileSummary } from '../types';
import type { components } from '../openapi';
import { MEDIA_TYPE, type Format } from './document';

export type Stored = components['schemas']['ProfileStored'];

export interface Document {
	name: string;
	text: string;
	format: Format;
	unit: string | null;
}

export interface Current {
	revision: number;
	etag: string;
}

// The server sees what there is, and whether it is what was sent: so the first try has no precondition.
export function put(session: Session, document: Document, replacing: Current | null): Promise<Stored> {
	return session.api.json<Stored>(path`profiles/${document.name}` + query({ unit: document.unit }), {
		method: 'PUT',
		body: document.text,
		type: MEDIA_TYPE[document.format],
		...(replacing ? { headers: { 'If-Match': replacing.etag } } : {}),
	});
}

export async function remove(session: Session, profile: ProfileSummary): Promise<void> {
	await session.api.fetch(path`profiles/${profile.name}`, {
		method: 'DELETE', headers: { 'If-Match': `"sha256-${profile.sha256}"` },
	});
}

// What is in the way of a write, as the answers 412 and 428 have it.
export function inTheWay(error: unknown): Current | null {
	if (!(error instanceof ApiError) || (error.status !== 412 && error.status !== 428)) return null;
	const current = error.problem['current'] as Partial<Current> | null | undefined;
	return typeof current?.etag === 'string' && typeof current.revision === 'number'
		? { revision: current.revision, etag: current.etag } : null;
}

export const entryCount = (profile: Profile): number =>
	Object.values(profile.latency_table?.entries ?? {}).reduce((n, rows) => n + Object.keys(rows).length, 0);
