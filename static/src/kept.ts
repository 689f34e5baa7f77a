// What the browser keeps for this page, for as long as the page lasts where it may keep nothing.

export class Kept {
	private here: string | null = null;

	// storage: the property is read each time, as reading it is what a browser may refuse.
	constructor(private readonly storage: () => Storage, private readonly key: string) {}

	get value(): string | null {
		try {
			return this.storage().getItem(this.key);
		} catch {
			return this.here;
		}
	}

	set value(value: string | null) {
		this.here = value;
		try {
			if (value) this.storage().setItem(this.key, value);
			else this.storage().removeItem(this.key);
		} catch {
			// kept here alone
		}
	}
}
