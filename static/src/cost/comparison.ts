// What specialising so many devices costs here, beside as many conventional searches: from GET /ledger.
import { h, replace } from '../dom';
import { count, integer } from '../format';
import { logTicks } from '../plot/frame';
import { bar } from '../plot/bar';
import { headings, scroll } from '../tables';
import type { Ledger } from '../types';
import { amount, cpuTime, energy, mass, shortTime } from './words';

const TICKS = 4; // which have room where the screen is narrow

interface Measure {
	name: string;
	unit: string;
	here: number | null;
	conventional: number;
	format: (value: number | null) => string;
	formatConventional: (value: number) => string;
	tick: (value: number) => string;
}

function measuresOf({ comparison }: Ledger): Measure[] {
	const { once_for_all: here, conventional } = comparison;
	return [
		{ name: 'Processor time', unit: 'hours', here: here.cpu_hours, conventional: conventional.gpu_hours,
			format: cpuTime,
			formatConventional: (hours) => `${amount(hours)} GPU hours`, tick: count },
		{ name: 'Carbon dioxide', unit: 'kg', here: here.kg_co2, conventional: conventional.kg_co2,
			format: mass,
			formatConventional: mass, tick: count },
	];
}

// Bars on a logarithmic scale begin where nothing that is shown is smaller.
function bars(measure: Measure): HTMLElement {
	const values = [measure.here ?? 0, measure.conventional].filter((value) => value > 0);
	const low = 10 ** Math.floor(Math.log10(Math.min(1, ...values)) - 0.5);
	const high = 10 ** Math.ceil(Math.log10(Math.max(1, ...values)));
	const part = (value: number) => value > 0 ? Math.log10(value / low) / Math.log10(high / low) : 0;
	const row = (name: string, value: number | null, text: string, kind: string) => h('div', { class: 'cost-row' },
		h('span', { class: 'cost-name' }, name), bar(part(value ?? 0), value ? kind : 'none'),
		h('span', { class: 'cost-value' }, text));
	const scale = h('div', { class: 'cost-scale', 'aria-hidden': 'true' });
	for (const tick of logTicks(low, high, TICKS)) {
		const mark = h('span', {}, measure.tick(tick));
		mark.style.insetInlineStart = `${(100 * part(tick)).toFixed(2)}%`;
		mark.classList.toggle('last', part(tick) > 0.95);
		scale.append(mark);
	}
	return h('div', { class: 'cost-measure' },
		h('h4', {}, `${measure.name}, ${measure.unit}, logarithmic`),
		row('Here', measure.here, measure.format(measure.here), 'here'),
		row('Conventional', measure.conventional, measure.formatConventional(measure.conventional),
			'conventional'), scale);
}

const devicesText = (n: number) => n === 1 ? 'one device' : `${integer(n)} devices`;

// The whole comparison in a sentence or three.
export function sentence(ledger: Ledger): string {
	const { comparison, conventional } = ledger;
	const { devices, once_for_all: here, conventional: there, training_included: trained } = comparison;
	const each = `${integer(conventional.per_device.gpu_hours)} GPU hours each`;
	const conventionally = `a conventional search and training takes ${each}: ${amount(there.gpu_hours)} GPU hours `
		+ `and ${mass(there.kg_co2)} of CO₂`;
	if (here.cpu_hours === null || here.kg_co2 === null)
		return `What a delivery takes here is not known before the first one. For ${devicesText(devices)}, `
			+ `${conventionally}.`;
	const ratio = here.kg_co2 > 0 ? ` That is ${amount(there.kg_co2 / here.kg_co2)} times as much CO₂.` : '';
	const training = trained ? 'the training of the networks included'
		: 'without the training of the networks, whose files do not record what it took';
	return `Specialising for ${devicesText(devices)} takes ${cpuTime(here.cpu_hours)}, ${energy(here.kwh)} and `
		+ `${mass(here.kg_co2)} of CO₂ here, ${training}. `
		+ `For as many, ${conventionally}.${ratio}`;
}

const HEAD = ['Network', 'Deliveries', 'Searches', 'Fronts', 'Packages', 'Training', 'Search', 'Fronts', 'Packing'];

function countTable(ledger: Ledger): HTMLElement {
	const cells = ({ counts, cpu_hours: hours }: Pick<Ledger, 'counts' | 'cpu_hours'>) => [
		integer(counts.deliveries), integer(counts.searches), integer(counts.fronts), integer(counts.packages),
		hours.training === null ? 'not recorded' : shortTime(hours.training),
		shortTime(hours.search), shortTime(hours.fronts), shortTime(hours.packing),
	].map((text) => h('td', { class: 'number' }, text));
	return scroll('What was done and what it took', h('table', { class: 'ledger' },
		headings(HEAD, 1),
		h('tbody', {}, ...ledger.networks.map((network) =>
			h('tr', { 'data-network': network.name }, h('th', { scope: 'row' }, network.name),
			...cells(network)))),
		h('tfoot', {}, h('tr', {}, h('th', { scope: 'row' }, 'all'), ...cells(ledger)))));
}

const FACTORS: [name: keyof Ledger['factors'], text: string][] = [
	['watts_per_core', 'watts that a busy core draws'],
	['pue', 'times as much with cooling and conversion (PUE)'],
	['kg_co2_per_kwh', 'kg of CO₂ for a kWh'],
	['kg_per_lb', 'kg in a pound'],
];

function sources({ factors, conventional }: Ledger): HTMLElement {
	return h('ul', { class: 'sources' },
		h('li', {}, h('strong', {}, 'Here'),
			': CPU time that this server measured of its searches, fronts and packing, times'),
		...FACTORS.map(([name, text]) => h('li', { 'data-factor': name }, h('strong', {}, factors[name].value),
			` ${text}: `, factors[name].source)),
		h('li', {}, h('strong', {}, 'Conventional'), ': ', conventional.source,
			'; of networks of the size of those for ImageNet, and not measured here'));
}

export interface ComparisonPanel {
	element: HTMLElement;
	show(ledger: Ledger): void;
}

export function createComparison(): ComparisonPanel {
	const text = h('p', { class: 'finding', role: 'status' }), drawing = h('div', { class: 'cost-bars' });
	const counts = h('div'), origins = h('div');
	const element = h('div', {}, text, drawing,
		h('h4', {}, 'What was done, and the CPU time that it took'), counts,
		h('h4', {}, 'Where the numbers come from'), origins);
	return {
		element,
		show(ledger) {
			text.textContent = sentence(ledger);
			replace(drawing, ...measuresOf(ledger).map(bars));
			replace(counts, countTable(ledger));
			replace(origins, sources(ledger));
		},
	};
}
