// The page's end of the worker: calls that are answered.
import type { PackageInfo, Reply, RunAnswer, Task } from './protocol';

interface Waiting {
	resolve(value: PackageInfo | RunAnswer | null): void;
	reject(error: Error): void;
}

export class Engine {
	private readonly worker: Worker;
	private readonly waiting = new Map<number, Waiting>();
	private calls = 0;

	constructor(url: string) {
		this.worker = new Worker(url, { type: 'module' });
		this.worker.addEventListener('message', (event: MessageEvent<Reply>) => this.settle(event.data));
		this.worker.addEventListener('error', (event) => {
			event.preventDefault();
			for (const call of [...this.waiting.keys()])
				this.settle({ call, error: event.message || `${url} does not run` });
		});
	}

	load(key: string, bytes: ArrayBuffer): Promise<PackageInfo> {
		return this.call({ kind: 'load', key, bytes }) as Promise<PackageInfo>;
	}

	run(key: string, pixels: Uint8Array): Promise<RunAnswer> {
		return this.call({ kind: 'run', key, pixels }) as Promise<RunAnswer>;
	}

	drop(key: string): void {
		void this.call({ kind: 'drop', key });
	}

	close(): void {
		this.worker.terminate();
		this.waiting.clear();
	}

	private call(task: Task): Promise<PackageInfo | RunAnswer | null> {
		const call = ++this.calls;
		return new Promise((resolve, reject) => {
			this.waiting.set(call, { resolve, reject });
			this.worker.postMessage({ ...task, call });
		});
	}

	private settle(reply: Reply): void {
		const waiting = this.waiting.get(reply.call);
		this.waiting.delete(reply.call);
		if ('error' in reply) waiting?.reject(new Error(reply.error));
		else waiting?.resolve(reply.value);
	}
}
