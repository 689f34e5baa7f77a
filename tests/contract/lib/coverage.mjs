// What of the document was exercised: every operation, each of its statuses, the headers and media types of each,
// its parameters and the media types of its body.
export class Coverage {
	#units = new Map(); // name -> times seen

	constructor(document) {
		for (const op of document.operations.values()) {
			this.#expect(op.id);
			for (const p of op.parameters) this.#expect(op.id, 'parameter', p.name);
			for (const type of Object.keys(op.bodies)) this.#expect(op.id, 'body', type);
			for (const [status, response] of op.responses) {
				this.#expect(op.id, status);
				for (const name of response.headers.keys()) this.#expect(op.id, status, name);
				for (const type of Object.keys(response.content)) this.#expect(op.id, status, type);
			}
		}
	}

	#expect(...parts) {
		this.#units.set(parts.join(' '), 0);
	}

	seen(...parts) {
		const name = parts.join(' ');
		if (this.#units.has(name)) this.#units.set(name, this.#units.get(name) + 1);
	}

	// `exceptions`: unit -> why it cannot be exercised.  One that was exercised all the same, or that the document
	// does not have, is out of date.
	report(exceptions) {
		const missing = [...this.#units.keys()].filter((name) => !this.#units.get(name) && !exceptions[name]);
		const stale = Object.keys(exceptions).filter((name) => this.#units.get(name) !== 0);
		const excepted = Object.keys(exceptions).length - stale.length;
		return { covered: this.#units.size - missing.length - excepted, missing, stale, excepted };
	}
}
