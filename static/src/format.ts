// Numbers as people read them.
import type { Resource } from './types';

const significant = (digits: number) => new Intl.NumberFormat('en', { maximumSignificantDigits: digits });
const three = significant(3);
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

function scaled(value: number, base: number, units: readonly string[]): string {
	let i = 0;
	while (Math.abs(value) >= base && i < units.length - 1) {
		value /= base;
		i++;
	}
	return `${three.format(value)} ${units[i]}`.trim();
}

export const bytes = (n: number) => scaled(n, 1000, ['B', 'kB', 'MB', 'GB']);
export const count = (n: number) => scaled(n, 1000, ['', 'k', 'M', 'G', 'T']);
export const milliseconds = (ms: number) =>
	ms >= 1000 ? `${three.format(ms / 1000)} s` : ms < 1 ? `${three.format(ms * 1000)} µs` : `${three.format(ms)} ms`;
// 0.9317 -> "93.17 %"; what nothing was measured of is unknown.
export const accuracy = (a: number | null | undefined) =>
	a === null || a === undefined || Number.isNaN(a) ? 'unknown' : `${(a * 100).toFixed(2)} %`;
export const integer = (n: number) => whole.format(n);

// A device's name where there is little room; what tells names apart is mostly at their ends.
export const shortName = (name: string, most = 28) => name.length <= most ? name : `…${name.slice(1 - most)}`;

export interface ResourceInfo {
	name: string;
	short: string;
	unit: string; // of the numbers that people type
	step: number; // how many of the API's units one of these is
	format: (value: number) => string;
}

export const RESOURCE: Record<Resource, ResourceInfo> = {
	latency_ms: { name: 'Latency', short: 'latency', unit: 'ms', step: 1, format: milliseconds },
	macs: { name: 'Multiply-accumulates', short: 'MACs', unit: 'M', step: 1e6, format: count },
	peak_memory_bytes: { name: 'Peak memory', short: 'memory', unit: 'kB', step: 1000, format: bytes },
	storage_bytes: { name: 'Package size', short: 'size', unit: 'kB', step: 1000, format: bytes },
};

export function value(resource: Resource, v: number | null | undefined): string {
	return v === null || v === undefined || Number.isNaN(v) ? 'unknown' : RESOURCE[resource].format(v);
}
