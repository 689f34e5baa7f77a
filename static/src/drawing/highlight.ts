// Which unit is looked at, in all drawings of a subnet at once.
export class Highlight {
	private near: number | null = null; // under the pointer or the focus
	private kept: number | null = null; // clicked
	private readonly listeners = new Set<() => void>();

	get shown(): number | null {
		return this.near ?? this.kept;
	}

	get held(): number | null {
		return this.kept;
	}

	point(unit: number | null): void {
		if (unit === this.near) return;
		this.near = unit;
		this.tell();
	}

	// Again: lets it go.
	hold(unit: number | null): void {
		this.kept = unit === this.kept ? null : unit;
		this.tell();
	}

	forget(): void {
		this.near = this.kept = null;
		this.tell();
	}

	subscribe(listener: () => void): void {
		this.listeners.add(listener);
	}

	private tell(): void {
		for (const listener of this.listeners) listener();
	}

	// Elements with data-unit: marks those of the unit that is shown, and tells when the pointer is over one.
	follow(root: Element): void {
		const over = (event: Event) => {
			const found = (event.target as Element).closest('[data-unit]');
			this.point(found ? Number(found.getAttribute('data-unit')) : null);
		};
		root.addEventListener('pointerover', over);
		root.addEventListener('pointerleave', () => this.point(null));
		this.subscribe(() => this.mark(root));
	}

	mark(root: Element): void {
		const { shown } = this;
		root.classList.toggle('dimmed', shown !== null);
		for (const element of root.querySelectorAll('[data-unit]'))
			element.classList.toggle('on', element.getAttribute('data-unit') === String(shown));
	}
}
