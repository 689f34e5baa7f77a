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

export interface DevicesEvents {
	onChange(devices: number): void;
	onEnd(): void; // of dragging or typing
}

export function createDevicesField({ onChange, onEnd }: DevicesEvents): DevicesField {
	const id = uniqueId('devices');
	const slider = h('input', { type: 'range', min: 0, max: POWERS * STEPS, step: 1,
		'aria-label': 'Devices, logarithmic' });
	const number = h('input', { id, type: 'number', min: 1, max: MAX, step: 1, inputmode: 'numeric',
		required: true });
	let shown = 1;
	const show = (devices: number) => {
		shown = devices;
		slider.value = String(Math.round(Math.log10(Math.max(1, devices)) * STEPS));
		slider.setAttribute('aria-valuetext', integer(devices));
		// not "0123" into "123" under the fingers
		if (document.activeElement !== number || number.valueAsNumber !== devices)
			number.value = String(devices);
	};
	slider.addEventListener('input', () => onChange(round(10 ** (slider.valueAsNumber / STEPS))));
	number.addEventListener('input', () => {
		if (number.checkValidity()) onChange(number.valueAsNumber);
	});
	// what is no number of devices gives way to the one that is shown
	number.addEventListener('blur', () => { if (!number.validity.valid) number.value = String(shown); });
	for (const [control, event] of [[slider, 'change'], [slider, 'blur'], [number, 'change'], [number, 'blur']] as const)
		control.addEventListener(event, onEnd);
	return {
		element: h('div', { class: 'devices-field' }, h('label', { for: id }, 'Devices'), slider, number),
		show,
	};
}
