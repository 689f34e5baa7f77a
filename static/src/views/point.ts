// The chosen subnet: its drawing, its figures, what it is against others, and how to take it away.
import { ApiError } from '../api';
import { largest as largestArch, largestImage } from '../arch';
import { h, replace } from '../dom';
import { widest } from '../drawing/cells';
import { Highlight } from '../drawing/highlight';
import { createMemoryChart, headroom } from '../drawing/memory';
import { createLegend, createUnitLine } from '../drawing/legend';
import { createNet } from '../drawing/net';
import { folded, memoryTable, unitTable } from '../drawing/tables';
import { createTimeBar, measureOf, stageShares } from '../drawing/time';
import { RESOURCE } from '../format';
import { curlCommand, pullCommand } from '../point/commands';
import { createComparing, type Other } from '../point/comparing';
import { showNumbers } from '../point/numbers';
import { refusal } from '../point/refused';
import { createCommand } from '../point/shell';
import { createTake } from '../point/take';
import type { Session } from '../session';
import type { State } from '../state';
import { RESOURCES, type Answer, type Plan, type SubnetRequest } from '../types';
import { Latest, type View, type ViewFactory } from '../view';

// All that is shown, so that it appears at once.
interface Facts {
	answer: Answer;
	plan: Plan;
	largest: Plan;
	pinned: Plan | null;
	trouble: string | null; // why there is no plan of the pinned one
	imageSize: number;      // largest
	timed: boolean;         // the profile has a table for this type
}

function why(state: State): string {
	if (state.arch) return 'Chosen on the front, or by the link.';
	const limits = RESOURCES.flatMap((resource) => {
		const limit = state.limits[resource];
		return limit === undefined ? [] : [`${RESOURCE[resource].short} of ${RESOURCE[resource].format(limit)}`];
	});
	return limits.length ? `The most accurate within ${limits.join(' and ')}.` : 'The most accurate there is.';
}

async function gather(session: Session, state: State, answer: Answer): Promise<Facts> {
	const network = await session.network(state.network);
	const plan = (arch: Plan['arch']) => session.plan(network.name, state.profile, state.dtype, arch);
	let trouble: string | null = null;
	const [chosen, largest, pinned, timed] = await Promise.all([
		plan(answer.arch),
		plan({ ...largestArch(network), image_size: largestImage(network) }),
		state.pinned ? plan(state.pinned).catch((e: unknown) => {
			if (!(e instanceof ApiError) || e.status !== 422) throw e;
			trouble = e.message;
			return null;
		}) : null,
		session.times(state.profile, state.dtype),
	]);
	return { answer, plan: chosen, largest, pinned, trouble, imageSize: largestImage(network), timed };
}

// The request's and the profile's, whichever is less.
function memoryLimit(state: State, answer: Answer): number | null {
	const limits = [state.limits.peak_memory_bytes, answer.limits.peak_memory_bytes].filter((n) => n !== undefined);
	return limits.length ? Math.min(...limits) : null;
}

function createPinning(session: Session) {
	const { store } = session;
	let chosen: Plan['arch'] | null = null;
	const pin = h('button', { type: 'button', onClick: () => chosen && store.set({ pinned: chosen }) }, 'Pin this one');
	const unpin = h('button', { type: 'button', onClick: () => store.set({ pinned: null }) }, 'Unpin');
	const swap = h('button', { type: 'button', onClick: () =>
		store.state.pinned && store.set({ arch: store.state.pinned, pinned: chosen }) }, 'Swap with the pinned one');
	return {
		buttons: [pin, unpin, swap],
		show(arch: Plan['arch'] | null, pinned: Plan['arch'] | null) {
			chosen = arch;
			pin.disabled = !arch || JSON.stringify(arch) === JSON.stringify(pinned);
			unpin.hidden = swap.hidden = !pinned;
		},
	};
}

function createDrawings({ store }: Session) {
	const highlight = new Highlight();
	const net = createNet(highlight), time = createTimeBar(highlight), memory = createMemoryChart(highlight);
	const line = createUnitLine(highlight), legend = createLegend();
	const units = folded('Every unit as a table'), layers = folded('Every layer as a table');
	const timeTitle = h('h3'), shares = h('div'), hint = h('p', { class: 'muted' }), room = h('div');
	const element = h('div', { class: 'drawings' },
		h('section', { class: 'card drawing', 'aria-label': 'Drawing' }, net.element, line.element, legend, units.element),
		h('section', { class: 'card', 'aria-label': 'Time' }, timeTitle, time.element, shares, hint),
		h('section', { class: 'card', 'aria-label': 'Memory' }, h('h3', {}, 'Memory over the layers'), memory.element, room,
			layers.element));
	let drawn = '';
	return {
		element,
		show(state: State, { answer, plan, largest, imageSize, timed }: Facts) {
			const limit = memoryLimit(state, answer), measure = measureOf(plan), key = JSON.stringify([plan, limit]);
			if (key === drawn) return;
			drawn = key;
			highlight.forget();
			line.show(plan);
			net.draw(plan, { channels: widest(largest), imageSize });
			time.draw(plan);
			memory.draw(plan, limit);
			units.fill(() => unitTable(plan));
			layers.fill(() => memoryTable(plan));
			replace(room, headroom(plan, limit));
			replace(shares, stageShares(plan));
			replace(timeTitle, plan.latency_ms === null ? 'Where the work is' : 'Where the time goes',
				h('span', { class: 'total' }, `${measure.format(measure.total)}`));
			replace(hint, ...(plan.latency_ms !== null ? [`Predicted by the table of ${plan.profile}.`] : [
				plan.profile && !timed ? `${plan.profile} was not timed in ${plan.dtype}. ` : 'Shown by multiply-accumulates. ',
				h('a', { href: store.link({ view: 'devices' }) }, 'A device with a latency table'), ' tells the time.']));
		},
		destroy() {
			for (const part of [net, time, memory]) part.destroy();
		},
	};
}

function createCommands(session: Session) {
	const curl = createCommand('curl'), pull = createCommand('ofa pull');
	const url = new URL('.', location.href).href.replace(/\/$/, '');
	return {
		element: h('section', { class: 'card commands', 'aria-label': 'From a shell' },
			h('h3', {}, 'The same from a shell'), h('div', { class: 'pair' }, curl.element, pull.element)),
		show(request: SubnetRequest) {
			const place = { url, token: session.api.token !== null };
			curl.show(curlCommand(place, request));
			pull.show(pullCommand(place, request));
		},
	};
}

export const createPoint: ViewFactory = (root, session): View => {
	const latest = new Latest(), take = createTake(session), pinning = createPinning(session);
	const drawings = createDrawings(session), comparing = createComparing(), commands = createCommands(session);
	const reason = h('p', { class: 'muted' }), numbers = h('dl', { class: 'card numbers' });
	const parts = [numbers, drawings.element, comparing.element, commands.element];
	const found = h('div', { class: 'found', hidden: true }, ...parts);
	const refused = h('div', { class: 'refused-box' });
	replace(root,
		h('div', { class: 'heading' }, h('h2', {}, 'The chosen subnet'),
			h('div', { class: 'buttons' }, ...take.buttons), h('div', { class: 'buttons' }, ...pinning.buttons)),
		h('div', { class: 'below-heading' }, reason, take.status), refused, found);

	const show = (state: State, facts: Facts, request: SubnetRequest) => {
		const { plan, largest, pinned, trouble, imageSize } = facts;
		replace(refused);
		found.hidden = false;
		reason.textContent = why(state);
		showNumbers(numbers, facts.answer, plan, facts.timed);
		drawings.show(state, facts);
		const others: Other[] = [{ name: 'Largest', plan: largest, pinned: false }];
		if (pinned) others.push({ name: 'Pinned', plan: pinned, pinned: true });
		comparing.show(plan, others, { channels: widest(largest), imageSize }, trouble);
		commands.show(request);
		take.offer(request);
		pinning.show(plan.arch, state.pinned);
	};
	// What was shown before is of another state.
	const clear = (state: State) => {
		reason.textContent = '';
		replace(refused);
		found.hidden = true;
		take.offer(null);
		pinning.show(null, state.pinned);
	};
	const update = async (state: State, signal: AbortSignal) => {
		const [chosen, request] = await Promise.all([session.chosen(state), session.request(state)]);
		const facts = chosen.kind === 'found' ? await gather(session, state, chosen.answer) : null;
		if (signal.aborted) return;
		if (facts) return show(state, facts, request);
		clear(state);
		if (chosen.kind === 'refused') replace(refused, refusal(chosen.problem, session.store));
	};
	return {
		update: (state) => latest.run(async (signal) => {
			root.setAttribute('aria-busy', 'true');
			try {
				await update(state, signal);
			} catch (e) {
				if (!signal.aborted) clear(state);
				throw e;
			} finally {
				if (!signal.aborted) root.setAttribute('aria-busy', 'false');
			}
		}),
		destroy() {
			latest.stop();
			take.destroy();
			drawings.destroy();
		},
	};
};
