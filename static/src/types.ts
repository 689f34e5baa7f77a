// What the API speaks; openapi/openapi.yaml is the source (openapi.d.ts is made from it).
import type { components } from './openapi';

type Schemas = components['schemas'];

export type Resource = Schemas['Resource'];
export type Dtype = Schemas['Dtype'];
export type Arch = Schemas['Arch'];
export type Network = Schemas['Network'];
export type History = Schemas['History'];
export type Reference = Schemas['Reference'];
export type Pareto = Schemas['Pareto'];
export type ParetoPoint = Pareto['points'][number];
export type Limits = Schemas['Limits'];
export type Profile = Schemas['Profile'];
export type ProfileSummary = Schemas['ProfileSummary'];
export type Manifest = Schemas['Manifest'];
export type Ledger = Schemas['Ledger'];
export type CalibrationReport = Schemas['CalibrationReport'];
export type Job = Schemas['Job'];
export type SigningKey = Schemas['Keys']['keys'][number];

// POST /searches: what POST /subnets would deliver, without a package.
export type Answer = Schemas['Search'];

// POST /plans: one arch, drawn out.
export type Plan = Schemas['Plan'];
export type PlanUnit = Schemas['PlanUnit'];

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
