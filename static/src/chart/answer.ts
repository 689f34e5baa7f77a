// The subnet that the limits leave, or the one that was chosen: what it costs, and where to go with it.
import { h, replace } from '../dom';
import { accuracy, milliseconds, RESOURCE, value } from '../format';
import type { Store } from '../state';
import { RESOURCES, type Answer } from '../types';
import type { Problem } from '../api';
import { nameOf } from './describe';
import { accuracyOf } from './model';

export interface AnswerCard {
	element: HTMLElement;
	show(answer: Answer, timed: boolean): void;
	refuse(problem: Problem): void;
	took(ms: number): void;
	link(): void; // to what the state is now
}

const feasibleText = (problem: Problem) => {
	const field = (problem['field'] ?? problem.errors?.[0]?.pointer ?? '') as string;
	const resource = RESOURCES.find((r) => field.endsWith(`/${r}`));
	const range = resource && problem.feasible?.[resource];
	return resource && range
		? `${RESOURCE[resource].name}: from ${RESOURCE[resource].format(range.min)} to ${RESOURCE[resource].format(range.max)}.`
		: '';
};

export function createAnswer(store: Store): AnswerCard {
	const title = h('h3', {}), figure = h('p', { class: 'figure' }, '–'), list = h('dl', { class: 'facts' });
	const values = [...RESOURCES, 'image' as const].map((name) => {
		const term = h('dt', {}, name === 'image' ? 'Image' : nameOf(name)), text = h('dd', {}, '–');
		list.append(term, text);
		return { name, term, text };
	});
	const took = h('span', { class: 'took muted' });
	const see = h('a', { class: 'button primary' }, 'See it'), tryIt = h('a', { class: 'button' }, 'Try it');
	const pin = h('button', { type: 'button', onClick: () => {
		const { pinned } = store.state;
		store.set({ pinned: shown && JSON.stringify(pinned) !== JSON.stringify(shown.arch) ? shown.arch : null });
	} });
	const back = h('button', { type: 'button', onClick: () => store.set({ arch: null }) }, 'Best within the limits');
	const found = h('div', {}, h('p', { class: 'lead' }, figure, took), list,
		h('div', { class: 'buttons' }, see, tryIt, pin, back));
	const refused = h('p', { class: 'refusal', role: 'alert', hidden: true });
	const spoken = h('p', { class: 'visually-hidden', role: 'status' });
	let shown: Answer | null = null, timer = 0;

	// Once it rests, for those who hear the page.
	const speak = () => {
		clearTimeout(timer);
		timer = setTimeout(() => {
			const { latency_ms: latency, macs } = shown ?? {};
			const text = shown ? `${title.textContent}: ${accuracy(accuracyOf(shown))}, ` +
				`${latency ? `${milliseconds(latency)}, ` : ''}${value('macs', macs)} MACs` : '';
			replace(spoken, text);
		}, 800);
	};
	const card: AnswerCard = {
		element: h('section', { class: 'card answer', 'aria-label': 'The answer' }, title, refused, found, spoken),
		show(answer, timed) {
			shown = answer;
			refused.hidden = true;
			found.classList.remove('stale');
			figure.textContent = accuracy(accuracyOf(answer));
			for (const { name, term, text } of values) {
				text.textContent = name === 'image' ? `${answer.arch.image_size} px` : value(name, answer[name]);
				term.hidden = text.hidden = name === 'latency_ms' && !timed;
			}
			card.link();
			speak();
		},
		refuse(problem) {
			refused.hidden = false;
			replace(refused, problem.detail ?? problem.title ?? 'refused', ' ', feasibleText(problem));
			found.classList.add('stale');
		},
		took: (ms) => { took.textContent = `answered in ${ms.toFixed(0)} ms`; },
		link() {
			const { state } = store;
			title.textContent = state.arch ? 'Your choice' : 'Best within your limits';
			see.setAttribute('href', store.link({ view: 'point' }));
			tryIt.setAttribute('href', store.link({ view: 'try' }));
			const same = shown !== null && JSON.stringify(state.pinned) === JSON.stringify(shown.arch);
			pin.textContent = same ? 'Unpin' : 'Pin to compare';
			pin.setAttribute('aria-pressed', String(same));
			back.hidden = state.arch === null;
		},
	};
	return card;
}
