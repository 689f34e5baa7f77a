// The limits as numbers, for all resources.
import { h, uniqueId } from '../dom';
import { RESOURCE } from '../format';
import { nameOf } from './describe';
import type { Range } from './load';
import { RESOURCES, type Limits, type Resource } from '../types';

export interface LimitsEvents {
	onLimit(resource: Resource, value: number | null, time: number): void;
	onEnd(): void;
}

export interface LimitsPanel {
	element: HTMLElement;
	// own: those of the device's profile.  feasible: what there is.
	update(limits: Limits, own: Limits, feasible: Partial<Record<Resource, Range>>, timed: boolean): void;
	refuse(resource: Resource | null): void;
}

interface Row {
	element: HTMLElement;
	update(limit: number | undefined, own: number | undefined, feasible: Range | undefined): void;
	refuse(refused: boolean): void;
}

// What is typed is exact, what a link holds has 6 digits; what is no number yet is no limit.
const sameNumber = (a: number, b: number | undefined) =>
	b === undefined ? Number.isNaN(a) || a <= 0 : Math.abs(a - b) <= 1e-5 * b;
const typed = (value: number, resource: Resource) => String(Number((value / RESOURCE[resource].step).toPrecision(6)));

const spanOf = ({ range: [min, max], sampled }: Range, format: (value: number) => string) =>
	`${sampled ? 'about ' : ''}${format(min)} to ${format(max)}`;

function createRow(resource: Resource, events: LimitsEvents): Row {
	const info = RESOURCE[resource], id = uniqueId('limit'), hint = uniqueId('hint');
	const input = h('input', {
		id, type: 'number', min: 0, step: 'any', inputmode: 'decimal', placeholder: 'any', 'aria-describedby': hint,
		onInput: (event) => {
			const number = input.valueAsNumber;
			if (number > 0) events.onLimit(resource, number * info.step, event.timeStamp);
			else if (input.value === '' && !input.validity.badInput) events.onLimit(resource, null, event.timeStamp);
		},
		onChange: () => events.onEnd(),
		onBlur: () => events.onEnd(),
	});
	const clear = h('button', { type: 'button', class: 'clear', 'aria-label': `Clear the limit on ${info.short}`,
		onClick: (event) => {
			input.value = '';
			events.onLimit(resource, null, event.timeStamp);
			events.onEnd();
			input.focus();
		} }, '×');
	const told = h('span', { class: 'hint muted', id: hint });
	const element = h('div', { class: 'limit-row' },
		h('label', { for: id }, nameOf(resource)),
		h('span', { class: 'entry' }, input, h('span', { class: 'unit' }, info.unit), clear), told);
	return {
		element,
		update(limit, own, feasible) {
			// What somebody is typing stays as it is.
			const text = limit === undefined ? '' : typed(limit, resource);
			const typing = document.activeElement === input && sameNumber(input.valueAsNumber * info.step, limit);
			if (!typing) input.value = text;
			clear.disabled = limit === undefined;
			const parts = feasible ? [spanOf(feasible, info.format)] : [];
			if (own !== undefined) parts.push(`the device has ${info.format(own)}`);
			const words = parts.join(', ');
			if (told.textContent !== words) told.textContent = words;
		},
		refuse(refused) {
			element.classList.toggle('refused', refused);
			if (refused) input.setAttribute('aria-invalid', 'true');
			else input.removeAttribute('aria-invalid');
		},
	};
}

export function createLimits(events: LimitsEvents): LimitsPanel {
	const rows = RESOURCES.map((resource) => ({ resource, row: createRow(resource, events) }));
	return {
		element: h('fieldset', { class: 'card limits' },
			h('legend', {}, 'At most'), ...rows.map(({ row }) => row.element)),
		update(limits, own, feasible, timed) {
			for (const { resource, row } of rows) {
				row.element.hidden = resource === 'latency_ms' && !timed && limits[resource] === undefined;
				row.update(limits[resource], own[resource], feasible[resource]);
			}
		},
		refuse(refused) {
			for (const { resource, row } of rows) row.refuse(resource === refused);
		},
	};
}
