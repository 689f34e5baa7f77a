// The cloud: GET /networks/{name}/samples, application/vnd.ofa.samples (doc/api.md).
import type { Resource } from './types';

export interface Samples {
	n: number;
	accuracy: Float32Array; // NaN: unknown
	imageSize: Float32Array;
	values: Record<Resource, Float32Array>; // latency NaN without a table
}

const MAGIC = 'OFASMPL\0';
const COLUMNS = 6;

export function parseSamples(data: ArrayBuffer): Samples {
	const view = new DataView(data);
	const magic = data.byteLength >= 32 ? String.fromCharCode(...new Uint8Array(data, 0, MAGIC.length)) : '';
	if (magic !== MAGIC || view.getUint32(8, true) !== 1) throw new Error('these are no samples of version 1');
	const n = view.getUint32(12, true), columns = view.getUint32(16, true), header = view.getUint32(20, true);
	if (columns < COLUMNS || data.byteLength < header + n * columns * 4) throw new Error('the samples are cut short');
	const column = (i: number) => new Float32Array(data, header + 4 * n * i, n);
	return {
		n,
		accuracy: column(0),
		imageSize: column(5),
		values: { latency_ms: column(1), macs: column(2), peak_memory_bytes: column(3), storage_bytes: column(4) },
	};
}
