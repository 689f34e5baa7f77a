// Which of the keys that a network needs a table has.
import type { Profile } from '../types';

export interface Coverage {
	resolution: number;
	needed: number;
	present: number;
	missing: string[];
	unused: number; // entries that no subnet needs
}

// Of every resolution that the network or the table has.
export function coverageOf(profile: Profile, keys: Record<string, string[]>): Coverage[] {
	const entries = profile.latency_table?.entries ?? {};
	const all = new Set([...Object.keys(keys), ...Object.keys(entries)].map(Number));
	return [...all].sort((a, b) => a - b).map((resolution) => {
		const needed = keys[resolution] ?? [], there = entries[resolution] ?? {};
		const missing = needed.filter((key) => !Object.hasOwn(there, key));
		const present = needed.length - missing.length;
		const unused = Object.keys(there).length - present;
		return { resolution, needed: needed.length, present, missing, unused };
	});
}
