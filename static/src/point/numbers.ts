// The figures of a subnet, the most asked for first.
import { h, replace } from '../dom';
import { accuracy, bytes, count, milliseconds } from '../format';
import type { Answer, Plan } from '../types';

// Why there is no latency.
function latencyNote(plan: Plan, timed: boolean): string {
	if (plan.latency_ms !== null) return `on ${plan.profile}`;
	if (!plan.profile) return 'a device tells it';
	return timed ? 'not in the table' : `${plan.profile} was not timed in ${plan.dtype}`;
}

export function showNumbers(element: HTMLElement, answer: Answer, plan: Plan, timed: boolean): void {
	const active = plan.stages.reduce((sum, stage) => sum + stage.active, 0);
	const blocks = plan.stages.reduce((sum, stage) => sum + stage.blocks, 0);
	const numbers: [name: string, value: string, note: string][] = [
		['Accuracy', accuracy(plan.predicted_accuracy), answer.predicted_accuracy_reason ?? 'predicted'],
		['Latency', plan.latency_ms === null ? 'unknown' : milliseconds(plan.latency_ms), latencyNote(plan, timed)],
		['MACs', count(plan.macs), 'per image'],
		['Peak memory', bytes(plan.peak_memory_bytes), 'arena of the runtime'],
		['Package', bytes(plan.storage_bytes), plan.dtype],
		['Parameters', count(plan.params), `${active} of ${blocks} blocks`],
		['Image', `${plan.image_size} px`, `${plan.units[0]?.input[2] === 1 ? 'grey' : 'colour'}`],
	];
	replace(element, ...numbers.map(([name, shown, note]) => h('div', {},
		h('dt', {}, name), h('dd', { class: 'figure' }, shown), h('dd', { class: 'muted' }, note))));
}
