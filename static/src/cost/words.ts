// Amounts of time, energy and carbon dioxide, from a second of one core to what mankind spends.
const three = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const SCALES: [least: number, by: number, word: string][] = [
	[1e15, 1e15, ' quadrillion'], [1e12, 1e12, ' trillion'], [1e9, 1e9, ' billion'], [1e6, 1e6, ' million'],
];

// 40000000 -> "40 million".
export function amount(value: number): string {
	const scale = SCALES.find(([least]) => value >= least);
	return scale ? three.format(value / scale[1]) + scale[2] : three.format(value);
}

// Of one core: hours, or what is shorter.
export function cpuTime(hours: number | null): string {
	if (hours === null) return 'unknown';
	if (hours === 0) return 'nothing';
	const seconds = hours * 3600;
	if (hours >= 1) return `${amount(hours)} CPU hours`;
	if (seconds >= 60) return `${three.format(seconds / 60)} CPU minutes`;
	return seconds >= 1 ? `${three.format(seconds)} CPU seconds` : `${three.format(seconds * 1000)} ms of CPU time`;
}

// The same where "CPU" stands above.
export const shortTime = (hours: number) => cpuTime(hours).replace(/ CPU | of CPU time/, ' ').trimEnd();

export function mass(kg: number | null): string {
	if (kg === null) return 'unknown';
	if (kg >= 1000) return `${amount(kg / 1000)} t`;
	return kg >= 1 ? `${three.format(kg)} kg` : kg >= 1e-3 ? `${three.format(kg * 1e3)} g`
		: `${three.format(kg * 1e6)} mg`;
}

export function energy(kwh: number | null): string {
	if (kwh === null) return 'unknown';
	return kwh >= 1 ? `${amount(kwh)} kWh` : kwh >= 1e-3 ? `${three.format(kwh * 1e3)} Wh`
		: `${three.format(kwh * 1e6)} mWh`;
}
