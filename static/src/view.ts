// A view draws part of the state into its element.
import type { Session } from './session';
import type { Changed, State } from './state';

export interface View {
	// Called once after creation with everything changed, then after each change of the state.  Calls may overlap:
	// a view that waits for the server drops what a later call made stale.
	update(state: State, changed: Changed): void | Promise<void>;
	destroy(): void; // its element is removed afterwards
}

export type ViewFactory = (root: HTMLElement, session: Session) => View;

// Runs only the newest of overlapping tasks to its end: each is handed a signal that the next one fires.
export class Latest {
	private controller = new AbortController();

	async run(task: (signal: AbortSignal) => Promise<void>): Promise<void> {
		this.controller.abort();
		this.controller = new AbortController();
		const { signal } = this.controller;
		try {
			await task(signal);
		} catch (e) {
			if (!signal.aborted) throw e;
		}
	}

	stop(): void {
		this.controller.abort();
	}
}
