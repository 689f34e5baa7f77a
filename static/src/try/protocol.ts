// What the page and the worker that runs packages say to each other.  A package goes by a key that the page chooses.

export interface PackageInfo {
	height: number;
	width: number;
	channels: number;
	names: string[]; // of the classes
	kernel: string;  // the instructions that it runs by
	arenaBytes: number;
}

export interface RunAnswer {
	logits: Float32Array;
	ms: number; // of one image, from pixels to logits
}

export type Task =
	| { kind: 'load'; key: string; bytes: ArrayBuffer }
	| { kind: 'run'; key: string; pixels: Uint8Array }
	| { kind: 'drop'; key: string };

export type Request = Task & { call: number };
export type Reply = { call: number } & ({ value: PackageInfo | RunAnswer | null } | { error: string });
