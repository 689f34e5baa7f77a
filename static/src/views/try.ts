// Draw or drop an image: the chosen subnet answers, here in the browser.
import { h, replace } from '../dom';
import type { Session } from '../session';
import type { Changed, State } from '../state';
import { AnswerPanel } from '../try/answer';
import { DRAWINGS } from '../try/drawings';
import { Engine } from '../try/engine';
import { Packages, type Loaded } from '../try/packages';
import { Picture, Seen } from '../try/picture';
import { Strip, choices, isKnown, type Choice, type Known } from '../try/strip';
import { Latest, type View, type ViewFactory } from '../view';

const WORKER = 'static/try.js';
const CHOSEN = 'chosen';
const OTHER = 'none'; // where the state names a drawing: something else
const TIMES_KEPT = 15, AGAIN_MS = 150; // times are taken until there are so many
const ON_ITS_WAY = 'The subnet is on its way.', WAITING_MS = 200;
const PRELOAD_BYTES_MAX = 8e6;
const QUESTION: (keyof State)[] = ['network', 'profile', 'dtype', 'limits', 'arch', 'pinned'];

class Try implements View {
	private readonly engine = new Engine(WORKER);
	private readonly packages: Packages;
	private readonly latest = new Latest();
	private readonly strip: Strip;
	private readonly picture: Picture;
	private readonly seen = new Seen();
	private readonly answer = new AnswerPanel();
	private readonly refusal = h('p', { class: 'refusal', role: 'alert', hidden: true });
	private all: Choice[] = [];
	private current: { known: Known; loaded: Loaded; times: number[] } | null = null;
	private isRunning = false;
	private isStale = false;
	private again: ReturnType<typeof setTimeout> | undefined;
	private drawing: string | null = null;

	constructor(root: HTMLElement, private readonly session: Session) {
		const { store } = session;
		this.packages = new Packages(session.api, this.engine);
		this.strip = new Strip((tried) => store.set({ tried }, { replace: true }));
		this.picture = new Picture({
			onChange: () => this.changed(),
			onDrawing: (name) => {
				this.drawing = name ?? OTHER;
				store.set({ drawing: name ?? OTHER }, { replace: true });
			},
			onRefused: (reason) => this.refuse(reason),
		});
		replace(root, h('h2', {}, 'Try it'),
			h('p', { class: 'muted' }, 'The subnet runs here, in the browser, by the same code that runs on a device. ',
				'Draw, drop an image, and switch from one subnet to the other.'),
			this.strip.element, this.picture.drawings, this.refusal,
			h('div', { class: 'columns' }, this.picture.element, this.seen.element, this.answer.element));
		this.answer.clear(ON_ITS_WAY);
	}

	async update(state: State, changed: Changed): Promise<void> {
		if (changed.has('drawing')) this.showDrawing(state.drawing);
		if (QUESTION.some((key) => changed.has(key))) {
			this.all = choices(this.session, state);
			this.strip.offer(this.all);
		} else if (!changed.has('tried')) {
			return;
		}
		await this.latest.run(async (signal) => {
			try {
				await this.use(state.tried, signal);
			} catch (e) {
				if (!signal.aborted) this.answer.clear('There is no answer without the subnet.');
				throw e;
			}
		});
	}

	destroy(): void {
		this.latest.stop();
		clearTimeout(this.again);
		this.answer.destroy();
		this.packages.close();
		this.engine.close();
	}

	private showDrawing(name: string | null): void {
		const wanted = name ?? DRAWINGS[0]?.name ?? OTHER;
		if (wanted === this.drawing) return;
		this.drawing = wanted;
		this.picture.choose(wanted);
		this.changed();
	}

	// The subnet of that key, or the chosen one; the smallest where no subnet keeps the limits.
	private async use(key: string | null, signal: AbortSignal): Promise<void> {
		const wanted = this.all.find((choice) => choice.key === key) ?? this.all.find((choice) => choice.key === CHOSEN);
		if (!wanted) return;
		this.strip.mark(wanted.key);
		this.current = null;
		// what is shown until then is another one's
		const waiting = setTimeout(() => signal.aborted || this.answer.clear(ON_ITS_WAY), WAITING_MS);
		try {
			const known = await wanted.known;
			if (signal.aborted) return;
			if (!isKnown(known)) return await this.use('smallest', signal);
			const loaded = await this.packages.get(known.body);
			if (signal.aborted) return;
			this.current = { known, loaded, times: [] };
		} finally {
			clearTimeout(waiting);
		}
		this.look();
		await this.preload(signal);
	}

	// The others, so that switching to them takes no time; what cannot be had is said to whom it is wanted by.
	private async preload(signal: AbortSignal): Promise<void> {
		for (const { known } of this.all) {
			const other = await known.catch(() => null);
			if (signal.aborted) return;
			if (other && isKnown(other) && other.answer.storage_bytes <= PRELOAD_BYTES_MAX) await this.packages.get(other.body).catch(() => null);
		}
	}

	private refuse(reason: string): void {
		this.refusal.hidden = false;
		this.refusal.textContent = reason;
	}

	private changed(): void {
		this.refusal.hidden = true;
		this.look();
	}

	// Asks for the answer to what the picture is now; what changes meanwhile is looked at after that.
	private look(): void {
		this.isStale = true;
		if (this.isRunning) return;
		this.isRunning = true;
		requestAnimationFrame(() => {
			this.run()
				.catch((e: unknown) => this.refuse(e instanceof Error ? e.message : String(e)))
				.finally(() => {
					this.isRunning = false;
					if (this.isStale) this.look();
				});
		});
	}

	private async run(): Promise<void> {
		this.isStale = false;
		clearTimeout(this.again);
		const current = this.current;
		if (!current) return;
		const { info } = current.loaded;
		const pixels = this.picture.pixels(info.height, info.channels);
		this.seen.show(pixels);
		if (!pixels) return this.answer.clear('Draw something.');
		const { logits, ms } = await this.engine.run(current.loaded.id, new Uint8Array(pixels.data));
		if (current !== this.current) return;
		current.times = [...current.times, ms].slice(-TIMES_KEPT);
		const { answer } = current.known;
		this.answer.show({
			info, logits, ms: median(current.times), predicted: answer.latency_ms, device: answer.profile,
			packageBytes: current.loaded.bytes,
		});
		if (current.times.length < TIMES_KEPT) this.again = setTimeout(() => this.look(), AGAIN_MS);
	}
}

function median(numbers: number[]): number {
	return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

export const createTry: ViewFactory = (root, session) => new Try(root, session);
