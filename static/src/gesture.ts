// Many changes of the state in a row that are one step of the browser's history.
import type { State, Store } from './state';

export class Gesture {
	private begun = false;

	constructor(private readonly store: Store) {}

	set(patch: Partial<State>): void {
		const before = this.store.state;
		this.store.set(patch, { replace: this.begun });
		if (this.store.state !== before) this.begun = true;
	}

	end(): void {
		this.begun = false;
	}
}
