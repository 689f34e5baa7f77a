// What the server says of a document, each at its place in it.
import type { Problem } from '../api';
import { locate, type Place } from './locate';

export interface Fault {
	place: Place | null; // null: of the document as a whole, or of what stands beside it
	message: string;
}

// "line 3, column 7: ..", "line 3: ..": where a reader of text stopped, which it knows best.
const STATED = /^line (\d+)(?:, column (\d+))?: */;
const BYTE = /\bat byte (\d+)/;

function placeOfByte(text: string, offset: number): Place {
	const before = new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, offset)).split('\n');
	return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function findPlace(text: string, pointer: string, message: string): Place | null {
	const stated = STATED.exec(message);
	if (stated) return { line: Number(stated[1]), column: Math.max(1, Number(stated[2] ?? 1)) };
	const byte = BYTE.exec(message);
	if (byte) return placeOfByte(text, Number(byte[1]));
	return pointer.startsWith('/') ? locate(text, pointer) : null;
}

// By line; those without a place first.
export function faultsOf(problem: Problem, text: string): Fault[] {
	const lines = text.split('\n').length;
	const errors = problem.errors?.length ? problem.errors
		: [{ pointer: '', detail: problem.detail ?? problem.title ?? '' }];
	const faults = errors.map((error): Fault => {
		const message = error.detail ?? problem.detail ?? '';
		const place = findPlace(text, error.pointer ?? '', message);
		// what is missing at the end is said of the line behind the last
		if (place) place.line = Math.min(Math.max(place.line, 1), lines);
		return { place, message: message.replace(STATED, '') };
	});
	return faults.sort((a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0));
}
