// Above the chart: which axis, and how much of it.
import { h, uniqueId } from '../dom';
import { RESOURCES, type Resource } from '../types';
import { nameOf } from './describe';

export interface ControlsEvents {
	onAxis(resource: Resource): void;
	onZoomBy(factor: number): void;
	onReset(): void;
	onSelect(on: boolean): void;
}

export interface Controls {
	axis: HTMLElement;
	zoom: HTMLElement;
	update(metric: Resource, timed: boolean, zoomed: boolean): void;
}

export function createControls(events: ControlsEvents): Controls {
	const name = uniqueId('axis');
	const choices = RESOURCES.map((resource) => {
		const input = h('input', { type: 'radio', name, value: resource, onChange: () => events.onAxis(resource) });
		return { resource, input, label: h('label', {}, input, h('span', {}, nameOf(resource))) };
	});
	let selecting = false;
	const select = h('button', { type: 'button', 'aria-pressed': 'false',
		title: 'A drag draws what to zoom to (also with Shift)',
		onClick: () => {
			selecting = !selecting;
			select.setAttribute('aria-pressed', String(selecting));
			events.onSelect(selecting);
		} }, 'Select');
	const button = (label: string, text: string, onClick: () => void) =>
		h('button', { type: 'button', 'aria-label': label, title: label, onClick }, text);
	const reset = h('button', { type: 'button', title: 'Show everything', onClick: events.onReset }, 'Reset');
	const out = button('Zoom out', '−', () => events.onZoomBy(1.6));
	return {
		axis: h('fieldset', { class: 'segmented' }, h('legend', { class: 'visually-hidden' }, 'Accuracy against'),
			...choices.map(({ label }) => label)),
		zoom: h('div', { class: 'zoom', role: 'group', 'aria-label': 'Zoom' },
			button('Zoom in', '+', () => events.onZoomBy(1 / 1.6)), out, select, reset),
		update(metric, timed, zoomed) {
			for (const { resource, input } of choices) {
				input.checked = resource === metric;
				input.disabled = resource === 'latency_ms' && !timed;
			}
			reset.disabled = out.disabled = !zoomed;
		},
	};
}
