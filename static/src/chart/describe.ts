// Resources and subnets in words.
import { accuracy, RESOURCE, value } from '../format';
import { RESOURCES, type Resource } from '../types';
import { accuracyOf, type Numbers, type Published } from './model';

// What stands beside numbers: short.
export const nameOf = (resource: Resource): string => (resource === 'macs' ? 'MACs' : RESOURCE[resource].name);

// "93.10 % at 420 µs, 2.1 M MACs": the metric first, then what it mostly comes from.
export function inWords(point: Numbers, metric: Resource): string {
	const second: Resource = metric === 'macs' ? 'storage_bytes' : 'macs';
	return `${accuracy(accuracyOf(point))} at ${amount(point, metric)}, ${amount(point, second)}`;
}

function amount(point: Numbers, resource: Resource): string {
	const text = value(resource, point[resource]);
	return resource === 'macs' ? `${text} MACs` : resource === 'peak_memory_bytes' ? `${text} of memory` : text;
}

export const publishedInWords = (point: Published, metric: Resource): string =>
	`${point.name}: ${accuracy(point.accuracy)} at ${value(metric, point.values[metric])}, ${point.source}`;

// What is known of it, by name; what is not known is left out.
export function facts(values: (resource: Resource) => number): [name: string, text: string][] {
	return RESOURCES.filter((resource) => !Number.isNaN(values(resource)))
		.map((resource) => [nameOf(resource), value(resource, values(resource))]);
}
