// The subnet that the limits leave, or the one that was chosen: what it costs, and where to go with it.
import type { Problem } from '../api';
import { h, replace } from '../dom';
import { accuracy, milliseconds, RESOURCE, value } from '../format';
import type { Store } from '../state';
import { RESOURCES, type Answer, type Resource } from '../types';
import { inWords, nameOf } from './describe';
import { accuracyOf } from './model';

export interface AnswerCard {
	element: HTMLElement;
	show(answer: Answer, timed: boolean): void;
	refuse(problem: Problem): void;
	took(ms: number): void;
	link(): void; // to what the state is now
}

// The resource whose limit the server refused.
export function refusedResource(problem: Problem): Resource | null {
	const field = String(problem['field'] ?? problem.errors?.[0]?.pointer ?? '');
	return RESOURCES.find((resource) => field.endsWith(`/${resource}`)) ?? null;
}

// First what can be had, where the server says so.
function refusal(problem: Problem): string[] {
	const resource = refusedResource(problem), range = resource && problem.feasible?.[resource];
	const told = problem.detail ?? problem.title ?? 'The server refused.';
	if (!resource || !range) return [told];
	const { format } = RESOURCE[resource];
	const { min, max } = range;
	return [`No subnet is within these limits: ${nameOf(resource)} can be ${format(min)} to ${format(max)}.`, told];
}

const TOOK_MAX_MS = 1000; // beyond, something else was waited for
const SPOKEN_AFTER_MS = 800;

function createFacts() {
	const element = h('dl', { class: 'facts' });
	const rows = [...RESOURCES, 'image' as const].map((name) => {
		const term = h('dt', {}, name === 'image' ? 'Image' : nameOf(name)), text = h('dd', {}, '–');
		element.append(term, text);
		return { name, term, text };
	});
	return {
		element,
		show(answer: Answer, timed: boolean) {
			for (const { name, term, text } of rows) {
				text.textContent = name === 'image' ? `${answer.arch.image_size} px` : value(name, answer[name]);
				term.hidden = text.hidden = name === 'latency_ms' && !timed;
			}
		},
	};
}

export function createAnswer(store: Store): AnswerCard {
	const title = h('h3', {}), figure = h('p', { class: 'figure' }, '–'), took = h('span', { class: 'took muted' });
	const facts = createFacts();
	const see = h('a', { class: 'button primary' }, 'See it'), tryIt = h('a', { class: 'button' }, 'Try it');
	const pinned = () => shown !== null && JSON.stringify(store.state.pinned) === JSON.stringify(shown.arch);
	const pin = h('button', { type: 'button',
		onClick: () => store.set({ pinned: pinned() ? null : shown?.arch ?? null }) });
	const back = h('button', { type: 'button', onClick: () => store.set({ arch: null }) }, 'Best within the limits');
	const refused = h('div', { class: 'refusal' });
	const spoken = h('p', { class: 'visually-hidden', role: 'status' });
	// One takes the other's place, so that nothing moves while a limit is dragged.
	const places = h('div', { class: 'places' },
		h('div', { class: 'found' }, h('p', { class: 'lead' }, figure, took), facts.element,
			h('div', { class: 'buttons' }, see, tryIt, pin, back)),
		refused);
	const element = h('section', { class: 'card answer', 'aria-label': 'The answer' }, title, places, spoken);
	let shown: Answer | null = null, timer = 0;

	// Once it rests, for those who hear the page.
	const speak = (text: string) => {
		clearTimeout(timer);
		timer = setTimeout(() => replace(spoken, text), SPOKEN_AFTER_MS);
	};
	const card: AnswerCard = {
		element,
		show(answer, timed) {
			shown = answer;
			element.classList.remove('refused');
			figure.textContent = accuracy(accuracyOf(answer));
			facts.show(answer, timed);
			card.link();
			speak(`${title.textContent}: ${inWords(answer, timed ? 'latency_ms' : 'macs')}`);
		},
		refuse(problem) {
			const lines = refusal(problem);
			element.classList.add('refused');
			replace(refused, ...lines.map((line, i) => h('p', { class: i ? 'muted' : '' }, line)));
			speak(lines[0] ?? '');
		},
		took(ms) {
			took.textContent = ms <= TOOK_MAX_MS ? `in ${milliseconds(Math.round(ms))}` : '';
		},
		link() {
			title.textContent = store.state.arch ? 'Your choice' : 'Best within your limits';
			see.setAttribute('href', store.link({ view: 'point' }));
			tryIt.setAttribute('href', store.link({ view: 'try' }));
			pin.textContent = pinned() ? 'Unpin' : 'Pin to compare';
			pin.setAttribute('aria-pressed', String(pinned()));
			back.hidden = store.state.arch === null;
		},
	};
	return card;
}
