// What the network says of a picture: probabilities as bars and, for those who cannot see them, in words.
import { h, replace } from '../dom';
import { bytes, milliseconds } from '../format';
import type { PackageInfo } from './protocol';

const ALL_MAX = 12, SHOWN_OF_MANY = 5; // classes: so many are shown in their order, else the likeliest
const SPOKEN_AFTER_MS = 700;

export interface Answer {
	info: PackageInfo;
	logits: Float32Array;
	ms: number;                 // median
	predicted: number | null;   // ms on the device
	device: string | null;
	packageBytes: number;
}

export function softmax(logits: Float32Array): number[] {
	const most = Math.max(...logits);
	const powers = Array.from(logits, (logit) => Math.exp(logit - most));
	const sum = powers.reduce((a, b) => a + b, 0);
	return powers.map((power) => power / sum);
}

const percent = (p: number) => `${(100 * p).toFixed(p > 0.0995 ? 0 : 1)} %`;

// Classes by probability, or in their own order where all are shown.
function listed(probabilities: number[]): number[] {
	const order = probabilities.map((_, i) => i);
	if (order.length <= ALL_MAX) return order;
	return order.sort((a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0)).slice(0, SHOWN_OF_MANY);
}

export class AnswerPanel {
	readonly element: HTMLElement;
	private readonly list = h('ol', { class: 'classes' });
	private readonly best = h('p', { class: 'best' });
	private readonly facts = h('dl', { class: 'run-facts' });
	private readonly logits = h('pre', { tabindex: 0, 'aria-label': 'Logits' });
	private readonly exactly = h('details', { onToggle: () => this.tellExactly() }, h('summary', {}, 'Logits'), this.logits);
	private readonly spoken = h('p', { class: 'visually-hidden', 'aria-live': 'polite' });
	private timer: ReturnType<typeof setTimeout> | undefined;
	private answer: Answer | null = null;

	constructor() {
		this.element = h('section', { class: 'card answer', 'aria-label': 'Answer' },
			h('h3', {}, 'What it sees'), this.best, this.list, this.facts, this.exactly, this.spoken);
	}

	// There is no answer: why.
	clear(reason: string): void {
		this.best.textContent = reason;
		replace(this.list);
		replace(this.facts);
		this.answer = null;
		this.tellExactly();
		this.say(reason);
	}

	show(answer: Answer): void {
		const { info, logits } = answer, probabilities = softmax(logits);
		const top = probabilities.indexOf(Math.max(...probabilities));
		const words = `${info.names[top]}, ${percent(probabilities[top] ?? 0)}`;
		this.best.textContent = words;
		this.answer = answer;
		this.tellExactly();
		this.bars(info.names, probabilities, top);
		replace(this.facts,
			h('div', {}, h('dt', {}, 'Measured here'), h('dd', { class: 'measured' }, `${milliseconds(answer.ms)} per image`)),
			h('div', {}, h('dt', {}, answer.device ? `Predicted on ${answer.device}` : 'Predicted'),
				h('dd', {}, answer.predicted === null ? 'no device is chosen' : milliseconds(answer.predicted))),
			h('div', {}, h('dt', {}, 'Kernels'), h('dd', {}, `${info.kernel}, WebAssembly`)),
			h('div', {}, h('dt', {}, 'Package'), h('dd', {}, `${bytes(answer.packageBytes)}, runs in ${bytes(info.arenaBytes)}`)));
		this.say(`${words}.`);
	}

	destroy(): void {
		clearTimeout(this.timer);
	}

	// All digits, to be compared with what a device says.
	private tellExactly(): void {
		this.exactly.hidden = this.answer === null;
		if (!this.exactly.open || !this.answer) return;
		const { info, logits } = this.answer;
		this.logits.textContent = info.names.map((name, i) => `${logits[i] ?? ''}\t${name}`).join('\n');
	}

	// Elements stay where the classes are the same, so that the bars move.
	private bars(names: string[], probabilities: number[], top: number): void {
		const shown = listed(probabilities);
		while (this.list.children.length > shown.length) this.list.lastElementChild?.remove();
		while (this.list.children.length < shown.length)
			this.list.append(h('li', {}, h('span', { class: 'name' }), h('span', { class: 'track', 'aria-hidden': 'true' },
				h('span', { class: 'bar' })), h('span', { class: 'share' })));
		shown.forEach((index, i) => {
			const item = this.list.children[i], p = probabilities[index] ?? 0;
			const [name, track, share] = Array.from(item?.children ?? []);
			item?.classList.toggle('likeliest', index === top);
			if (name) name.textContent = names[index] ?? '';
			if (share) share.textContent = percent(p);
			(track?.firstElementChild as HTMLElement | null)?.style.setProperty('width', `${100 * p}%`);
		});
	}

	// Once it does not change for a moment.
	private say(words: string): void {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => {
			if (this.spoken.textContent !== words) this.spoken.textContent = words;
		}, SPOKEN_AFTER_MS);
	}
}
