// The subnets to switch between.
import { ApiError } from '../api';
import { largest, smallest } from '../arch';
import { h, replace, uniqueId } from '../dom';
import { accuracy, count, milliseconds } from '../format';
import type { Session } from '../session';
import type { State } from '../state';
import type { Answer, Arch, Dtype, Network, SubnetRequest } from '../types';

// What to ask for, and what is known of it.
export interface Known {
	body: SubnetRequest;
	answer: Answer;
}

// Why there is no such subnet.
export interface Refused {
	why: string;
}

// A subnet that can be tried, once the server says what it is.
export interface Choice {
	key: string;
	title: string;
	known: Promise<Known | Refused>;
}

export const isKnown = (found: Known | Refused): found is Known => 'answer' in found;

const isRefusal = (e: unknown) => e instanceof ApiError && e.status === 422;

// This subnet, even where the device that the state names could not hold it: it is run here.
async function exactly(session: Session, state: State, dtype: Dtype, arch: Arch): Promise<Known> {
	const body: SubnetRequest = { network: (await session.network(state.network)).name, dtype, arch };
	if (state.profile && (await session.times(state.profile, dtype))) {
		const there = { ...body, profile: state.profile };
		try {
			return { body: there, answer: await session.search(there) };
		} catch (e) {
			if (!isRefusal(e)) throw e;
		}
	}
	return { body, answer: await session.search(body) };
}

async function chosen(session: Session, state: State): Promise<Known | Refused> {
	const found = await session.chosen(state);
	if (found.kind === 'found') return { body: await session.request(state), answer: found.answer };
	return { why: found.problem.feasible ? 'none keeps the limits' : found.problem.detail ?? 'the server refuses it' };
}

// In the order in which they are offered; "chosen" is always there.
export function choices(session: Session, state: State): Choice[] {
	const other: Dtype = state.dtype === 'int8' ? 'float32' : 'int8';
	const { pinned, dtype } = state;
	const extreme = async (end: (network: Network) => Arch) =>
		exactly(session, state, dtype, end(await session.network(state.network)));
	const own = chosen(session, state);
	const all: Choice[] = [
		{ key: 'smallest', title: 'Smallest', known: extreme(smallest) },
		{ key: 'chosen', title: 'Chosen', known: own },
		{ key: 'other', title: `Chosen, ${other}`,
			known: own.then(async (found) => isKnown(found) ? exactly(session, state, other, found.answer.arch) : found) },
		...(pinned ? [{ key: 'pinned', title: 'Pinned', known: exactly(session, state, dtype, pinned) }] : []),
		{ key: 'largest', title: 'Largest', known: extreme(largest) },
	];
	// who uses one of them sees what went wrong
	for (const { known } of all) known.catch(() => undefined);
	return all;
}

export class Strip {
	readonly element = h('fieldset', { class: 'strip' });
	private readonly name = uniqueId('subnet');

	constructor(private readonly onChoose: (key: string) => void) {}

	offer(all: Choice[]): void {
		replace(this.element, h('legend', {}, 'Subnet'), ...all.map((choice) => this.item(choice)));
	}

	mark(key: string): void {
		for (const input of this.element.querySelectorAll('input')) input.checked = input.value === key;
	}

	private item({ key, title, known }: Choice): HTMLElement {
		const facts = h('span', { class: 'subnet-facts' }, '…');
		const input = h('input', { type: 'radio', name: this.name, value: key, onChange: () => this.onChoose(key) });
		known.then((found) => {
			input.disabled = !isKnown(found);
			replace(facts, ...(isKnown(found) ? factsOf(found.answer) : [found.why]).map((fact) => h('span', {}, fact)));
		}, (e: unknown) => {
			input.disabled = true;
			replace(facts, e instanceof Error ? e.message : String(e));
		});
		return h('label', { class: 'subnet' }, input, h('span', { class: 'subnet-title' }, title), facts);
	}
}

function factsOf(answer: Answer): string[] {
	const facts = [`${answer.arch.image_size} px, ${answer.dtype}`, `${count(answer.macs)} MACs`];
	if (answer.predicted_accuracy !== null) facts.push(accuracy(answer.predicted_accuracy));
	if (answer.latency_ms !== null) facts.push(milliseconds(answer.latency_ms));
	return facts;
}
