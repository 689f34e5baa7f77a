// Runs one task at a time; of those that arrive meanwhile only the newest is run next.
export class Newest<T> {
	private readonly controller = new AbortController();
	private running = false;
	private next: { input: T } | null = null;

	// run is handed a signal that stop() fires.  What it throws by then is of no interest, else fail gets it.
	constructor(
		private readonly run: (input: T, signal: AbortSignal) => Promise<void>,
		private readonly fail: (error: unknown) => void,
	) {}

	push(input: T): void {
		this.next = { input };
		if (!this.running) void this.work();
	}

	// Whether something newer waits.
	get waiting(): boolean {
		return this.next !== null;
	}

	stop(): void {
		this.next = null;
		this.controller.abort();
	}

	private async work(): Promise<void> {
		this.running = true;
		for (let task = this.take(); task; task = this.take()) {
			try {
				await this.run(task.input, this.controller.signal);
			} catch (e) {
				if (!this.controller.signal.aborted) this.fail(e);
			}
		}
		this.running = false;
	}

	private take(): { input: T } | null {
		const task = this.next;
		this.next = null;
		return task;
	}
}
