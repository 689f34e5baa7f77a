// Pseudo-random numbers that a seed repeats (mulberry32: Tommy Ettinger, public domain).
class Random {
	#state;

	constructor(seed) {
		this.#state = seed >>> 0;
	}

	next() {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let t = this.#state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	}

	below(n) {
		return Math.floor(this.next() * n);
	}

	chance(p) {
		return this.next() < p;
	}

	pick(list) {
		return list[this.below(list.length)];
	}
}

// The n-th case of a run has numbers of its own, so that it can be repeated alone.
export const caseRandom = (seed, n) => new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
