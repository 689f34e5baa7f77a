// A document that is to be a profile: what it is written in and what it is called.

export type Format = 'json' | 'yaml';

export const MEDIA_TYPE: Record<Format, string> = { json: 'application/json', yaml: 'application/yaml' };

// as the attribute pattern takes it, whose classes escape the hyphen
export const NAME = /^[A-Za-z0-9._\-]+(\/[A-Za-z0-9._\-]+)*$/;
export const NAME_MAX = 127;

// JSON begins with a brace; what a file is called says it before.
export function formatOf(text: string, fileName = ''): Format {
	if (/\.json$/i.test(fileName)) return 'json';
	if (/\.ya?ml$/i.test(fileName)) return 'yaml';
	return /^\s*[{[]/.test(text) ? 'json' : 'yaml';
}

// What the document calls itself, else what the file is called; "" for neither.
export function nameOf(text: string, fileName = ''): string {
	const stated = formatOf(text, fileName) === 'json' ? statedName(text) : null;
	const title = fileName.replace(/\.[^.]*$/, '').replace(/[^A-Za-z0-9._-]+/g, '-');
	const name = stated ?? title.replace(/^[-.]+|-+$/g, '');
	return name.length <= NAME_MAX && NAME.test(name) ? name : '';
}

function statedName(text: string): string | null {
	try {
		const value = JSON.parse(text) as { name?: unknown } | null;
		return typeof value?.name === 'string' ? value.name : null;
	} catch {
		return null;
	}
}

export interface Text {
	text: string;
	broken: number | null; // line with bytes that are no UTF-8
}

// Bytes that are no UTF-8 become U+FFFD, which would be sent as if the author had written it: so they are told of.
export function decode(data: ArrayBuffer): Text {
	const text = new TextDecoder().decode(data);
	try {
		new TextDecoder('utf-8', { fatal: true }).decode(data);
		return { text, broken: null };
	} catch {
		return { text, broken: text.slice(0, text.indexOf('\ufffd')).split('\n').length };
	}
}
