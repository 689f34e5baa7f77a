// What the API speaks; openapi/openapi.yaml is the source (openapi.d.ts is made from it).
import type { components } from './openapi';

type Schemas = components['schemas'];

export type Resource = Schemas['Resource'];
export type Dtype = Schemas['Dtype'];
export type Arch = Schemas['Arch'];
export type Network = Schemas['Network'] & { references?: Reference[] };
export type Pareto = Schemas['Pareto'];
export type ParetoPoint = Pareto['points'][number];
export type Limits = Schemas['Limits'];
export type Profile = Schemas['Profile'];
export type ProfileSummary = Schemas['ProfileSummary'];
export type Manifest = Schemas['Manifest'];
export type Ledger = Schemas['Ledger'];
export type CalibrationReport = Schemas['CalibrationReport'];

// A published point of the network's card.
export interface Reference {
	name: string;
	accuracy: number;
	macs?: number;
	params?: number;
	peak_memory_bytes?: number;
	storage_bytes?: number;
	latency_ms?: Record<string, number>; // by profile
	dtype?: Dtype;
	source: string;
}

// POST /searches: what POST /subnets would deliver, without a package.
export type Answer = Omit<Manifest, 'id' | 'sha256' | 'links'>;

// POST /plans: one arch, drawn out.
export interface PlanUnit {
	kind: 'stem' | 'block' | 'head_expand' | 'pool' | 'mix' | 'classifier' | 'stem_out' | 'max_pool';
	stage: number | null;
	block: number | null;
	input: [number, number, number];
	output: [number, number, number];
	kernel: number;
	expand: number | null;
	mid: number | null;
	stride: number;
	act: string;
	se: boolean;
	residual: boolean;
	macs: number;
	params: number;
	storage_bytes: number;
	latency_ms: number | null;
	latency_key: string | null;
}

export interface Plan {
	network: string;
	dtype: Dtype;
	profile: string | null;
	arch: Arch;
	image_size: number;
	predicted_accuracy: number | null;
	latency_ms: number | null;
	macs: number;
	params: number;
	storage_bytes: number;
	peak_memory_bytes: number;
	stages: { blocks: number; active: number; channels: number }[];
	units: PlanUnit[];
	memory: { unit: number; op: string; bytes: number }[];
}

// The body of POST /searches and POST /subnets.
export interface SubnetRequest {
	network?: string;
	profile?: string;
	dtype?: Dtype;
	limits?: Limits;
	arch?: Arch;
}

export const RESOURCES: readonly Resource[] = ['latency_ms', 'macs', 'peak_memory_bytes', 'storage_bytes'];
export const DTYPES: readonly Dtype[] = ['float32', 'float16', 'int8'];
