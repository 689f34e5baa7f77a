// How many devices: a slider over powers of ten and the number itself.
import { h, uniqueId } from '../dom';
import { integer } from '../format';

const POWERS = 6, STEPS = 20; // to a million, in twentieths of a power of ten
const MAX = 1e12;              // what GET /ledger takes

export interface DevicesField {
	element: HTMLElement;
	show(devices: number): void;
}

// Two digits are as much as a slider can mean.
const round = (value: number) => Number(value.toPrecision(2));

// settled: the value is no longer being dragged.
export function createDevicesField(onChange: (devices: number, settled: boolean) => void): DevicesField {
	const id = uniqueId('devices');
	const slider = h('input', { type: 'range', min: 0, max: POWERS * STEPS, step: 1,
		'aria-label': 'Devices, logarithmic' });
	const number = h('input', { id, type: 'number', min: 1, max: MAX, step: 1, inputmode: 'numeric',
		required: true });
	const show = (devices: number) => {
		slider.value = String(Math.round(Math.log10(Math.max(1, devices)) * STEPS));
		slider.setAttribute('aria-valuetext', integer(devices));
		// not "0123" into "123" under the fingers
		if (document.activeElement !== number || number.valueAsNumber !== devices)
			number.value = String(devices);
	};
	const slid = (settled: boolean) => onChange(round(10 ** (slider.valueAsNumber / STEPS)), settled);
	slider.addEventListener('input', () => slid(false));
	slider.addEventListener('change', () => slid(true));
	number.addEventListener('input', () => {
		if (number.checkValidity()) onChange(number.valueAsNumber, true);
	});
	return {
		element: h('div', { class: 'devices-field' }, h('label', { for: id }, 'Devices'), slider, number),
		show,
	};
}
