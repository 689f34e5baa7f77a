// The device runtime, device/web/run.c, as JavaScript sees it: one instance of its module runs one package.
import type { PackageInfo } from './protocol';

interface Exports {
	memory: WebAssembly.Memory;
	run_new(size: number): number;
	run_package(run: number): number;
	run_load(run: number): number;
	run_where(run: number): number;
	run_status_text(status: number): number;
	run_height(run: number): number;
	run_width(run: number): number;
	run_channels(run: number): number;
	run_classes(run: number): number;
	run_arena_bytes(run: number): number;
	run_class_name(run: number, index: number): number;
	run_kernel_name(run: number): number;
	run_pixels(run: number): number;
	run_logits(run: number): number;
	run_image(run: number): number;
}

const OK = 0;

export class Runner {
	readonly info: PackageInfo;
	private readonly run: number;

	// Throws what the runtime says of a package that it refuses.
	constructor(private readonly exports: Exports, bytes: ArrayBuffer) {
		const e = exports;
		this.run = e.run_new(bytes.byteLength);
		if (!this.run) throw new Error(`there is no memory for a package of ${bytes.byteLength} bytes`);
		new Uint8Array(e.memory.buffer).set(new Uint8Array(bytes), e.run_package(this.run));
		const status = e.run_load(this.run);
		if (status !== OK)
			throw new Error(`${this.text(e.run_status_text(status)) ?? status} (at byte ${e.run_where(this.run)})`);
		this.info = {
			height: e.run_height(this.run),
			width: e.run_width(this.run),
			channels: e.run_channels(this.run),
			names: Array.from({ length: e.run_classes(this.run) }, (_, i) =>
				this.text(e.run_class_name(this.run, i)) ?? `class ${i}`),
			kernel: this.text(e.run_kernel_name(this.run)) ?? '',
			arenaBytes: e.run_arena_bytes(this.run),
		};
	}

	// (height, width, channels) bytes -> the logits of the classes.
	classify(pixels: Uint8Array): Float32Array {
		const e = this.exports, { height, width, channels, names } = this.info;
		if (pixels.length !== height * width * channels) throw new Error('an image of another size');
		new Uint8Array(e.memory.buffer).set(pixels, e.run_pixels(this.run));
		const status = e.run_image(this.run);
		if (status !== OK) throw new Error(this.text(e.run_status_text(status)) ?? String(status));
		return new Float32Array(e.memory.buffer, e.run_logits(this.run), names.length).slice();
	}

	private text(at: number): string | null {
		if (!at) return null;
		const memory = new Uint8Array(this.exports.memory.buffer);
		return new TextDecoder().decode(memory.subarray(at, memory.indexOf(0, at)));
	}
}

export class Runtime {
	private constructor(private readonly module: WebAssembly.Module) {}

	static async fetch(url: URL): Promise<Runtime> {
		const response = await fetch(url);
		if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
		return new Runtime(await WebAssembly.compile(await response.arrayBuffer()));
	}

	async load(bytes: ArrayBuffer): Promise<Runner> {
		const instance = await WebAssembly.instantiate(this.module);
		return new Runner(instance.exports as unknown as Exports, bytes);
	}
}
