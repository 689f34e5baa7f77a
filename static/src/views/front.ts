// Accuracy against a resource: the cloud, the fronts, the limits and the subnet that they leave.
import { ApiError, type Problem } from '../api';
import { createAnswer, refusedResource } from '../chart/answer';
import { Chart } from '../chart/chart';
import { createControls } from '../chart/controls';
import { createLimits } from '../chart/limits';
import { load, type Loaded } from '../chart/load';
import { tightest } from '../chart/model';
import { Newest } from '../chart/newest';
import { createNotes } from '../chart/notes';
import { createOverlays } from '../chart/overlays';
import { createTable } from '../chart/table';
import { h, replace } from '../dom';
import { Gesture } from '../gesture';
import type { Session } from '../session';
import type { Changed, State } from '../state';
import type { ParetoPoint, Resource } from '../types';
import { Latest, type View, type ViewFactory } from '../view';

const SCENE: readonly (keyof State)[] = ['network', 'profile', 'dtype', 'x', 'overlays', 'samples'];
const ANSWER: readonly (keyof State)[] = ['network', 'profile', 'dtype', 'limits', 'arch'];

const NOTE_AFTER_MS = 200;

// What the ranges of all subnets' costs hang on.
const searched = ({ network, profile, dtype }: State) => JSON.stringify([network, profile, dtype]);

class FrontView implements View {
	private readonly gesture: Gesture;
	private readonly loads = new Latest();
	private readonly pins = new Latest();
	private readonly searches: Newest<{ state: State; since: number }>;
	private readonly chart;
	private readonly controls;
	private readonly limits;
	private readonly card;
	private readonly overlays;
	private readonly table;
	private readonly notes;
	private loaded: Loaded | null = null;
	private since: number | null = null; // when the event was that changed the state
	private readonly told = new Map<string, Loaded['feasible']>(); // by the server, of what is searched in
	private viewed = false;

	constructor(root: HTMLElement, private readonly session: Session) {
		const { store } = session;
		const onChoose = (point: ParetoPoint) => store.set({ arch: point.arch });
		const onEnd = () => this.gesture.end();
		this.gesture = new Gesture(store);
		this.searches = new Newest(
			({ state, since }, signal) => this.search(state, since, signal), (e) => this.failed(e));
		this.chart = new Chart({
			onChoose,
			onLimit: (value, time) => this.loaded && this.setLimit(this.loaded.scene.metric, value, time),
			onLimitEnd: onEnd,
			onHover: (target) => this.table.highlight(target),
			onZoom: (zoom) => this.gesture.set({ zoom }),
			onZoomEnd: onEnd,
		});
		this.table = createTable({ onHover: (target) => this.chart.highlight(target), onChoose });
		this.limits = createLimits({ onLimit: (resource, value, time) => this.setLimit(resource, value, time), onEnd });
		this.card = createAnswer(store);
		this.overlays = createOverlays(store);
		this.controls = createControls({
			onAxis: (x) => store.set({ x, zoom: null }),
			onZoomBy: (factor) => { this.chart.zoomBy(factor); onEnd(); },
			onReset: () => store.set({ zoom: null }),
			onSelect: (on) => this.chart.select(on),
		});
		this.notes = createNotes(store);
		replace(root,
			h('h2', { class: 'visually-hidden' }, 'Front'),
			h('div', { class: 'front-tools' }, this.controls.axis, this.overlays.element),
			this.notes.element,
			h('div', { class: 'front-main' },
				h('div', { class: 'card front-chart' }, this.chart.element, this.controls.zoom),
				h('div', { class: 'front-side' }, this.card.element, this.limits.element)),
			this.table.element);
	}

	async update(state: State, changed: Changed): Promise<void> {
		const since = this.since ?? performance.now();
		const has = (keys: readonly (keyof State)[]) => keys.some((key) => changed.has(key));
		if (changed.has('zoom')) this.chart.zoom(state.zoom);
		if (changed.has('arch')) this.press(state);
		if (has(ANSWER)) this.searches.push({ state, since });
		this.sync(state);
		await Promise.all([has(SCENE) && this.load(state), has(['pinned', ...ANSWER]) && this.pin(state)]);
	}

	destroy(): void {
		this.loads.stop();
		this.pins.stop();
		this.searches.stop();
		this.chart.destroy();
	}

	private setLimit(resource: Resource, value: number | null, time: number): void {
		const limits = { ...this.session.store.state.limits };
		if (value === null) delete limits[resource];
		else limits[resource] = value;
		this.since = time;
		this.gesture.set({ limits, arch: null });
		this.since = null;
	}

	// What follows from the state at once.
	private sync(state: State): void {
		this.card.link();
		const { loaded } = this;
		if (!loaded) return;
		const { metric } = loaded.scene;
		const feasible = { ...loaded.feasible, ...this.told.get(searched(state)) };
		this.chart.limit(tightest(state.limits, loaded.own), feasible[metric]?.range ?? null);
		this.limits.update(state.limits, loaded.own, feasible, loaded.timed);
		this.controls.update(metric, loaded.timed, state.zoom !== null);
	}

	private press(state: State): void {
		const arch = state.arch && JSON.stringify(state.arch);
		this.chart.press(arch);
		this.table.press(arch);
	}

	private load(state: State): Promise<void> {
		return this.loads.run(async (signal) => {
			const waiting = setTimeout(() => signal.aborted || this.chart.note('Drawing samples …', true), NOTE_AFTER_MS);
			try {
				const profiles = (await this.session.profiles()).map(({ name }) => name);
				await load(this.session, state, signal, (loaded) => {
					clearTimeout(waiting);
					this.show(loaded, profiles);
				});
			} catch (e) {
				if (!signal.aborted) this.chart.note(null);
				throw e;
			} finally {
				clearTimeout(waiting);
			}
		});
	}

	private show(loaded: Loaded, profiles: string[]): void {
		const { state } = this.session.store;
		this.loaded = loaded;
		this.chart.show(loaded.scene);
		this.table.show(loaded.scene);
		this.press(state);
		this.sync(state);
		this.overlays.update(state.profile, state.overlays, profiles, loaded.remarks);
		this.notes.update(state, loaded, profiles.length > 0);
		this.chart.note(loaded.missing === 'front' ? 'Searching the front …' : null, true);
		if (loaded.missing || this.viewed) return;
		this.viewed = true;
		requestAnimationFrame(() => setTimeout(() => performance.mark('ofad:first-view'), 0));
	}

	private async search(state: State, since: number, signal: AbortSignal): Promise<void> {
		const chosen = await this.session.chosen(state, signal);
		if (signal.aborted) return;
		const timed = this.loaded?.timed ?? (chosen.kind === 'found' && chosen.answer.latency_ms !== null);
		this.chart.refuse(chosen.kind === 'refused');
		if (chosen.kind === 'refused') {
			this.learn(state, chosen.problem);
			this.limits.refuse(refusedResource(chosen.problem));
			this.card.refuse(chosen.problem);
			this.chart.answer(null);
			return;
		}
		this.limits.refuse(null);
		this.card.show(chosen.answer, timed);
		this.chart.answer(chosen.answer, () => {
			performance.measure('ofad:answer', { start: since, end: performance.now() });
			this.card.took(performance.now() - since);
		});
	}

	// A refusal knows the range that samples only come close to.
	private learn(state: State, { feasible }: Problem): void {
		if (!feasible) return;
		const ranges = Object.entries(feasible).map(
			([resource, { min, max }]) => [resource, { range: [min, max], sampled: false }]);
		this.told.set(searched(state), Object.fromEntries(ranges) as Loaded['feasible']);
		this.sync(this.session.store.state);
	}

	// Neither a server that is busy nor one that is away ends the drag.
	private failed(error: unknown): void {
		if (error instanceof ApiError) this.card.refuse(error.problem);
		else this.card.refuse({ detail: error instanceof Error ? error.message : String(error) });
		this.chart.answer(null);
	}

	private pin(state: State): Promise<void> {
		const { pinned } = state;
		if (!pinned) {
			this.pins.stop();
			this.chart.pin(null);
			return Promise.resolve();
		}
		return this.pins.run(async (signal) => {
			const chosen = await this.session.chosen({ ...state, arch: pinned });
			if (!signal.aborted) this.chart.pin(chosen.kind === 'found' ? chosen.answer : null);
		});
	}
}

export const createFront: ViewFactory = (root, session) => new FrontView(root, session);
