// Where in a document a JSON pointer leads.  Documents that are wrong are what this is for: both readers take what they
// can make sense of and stop where they no longer can.

export interface Place {
	line: number;   // from 1
	column: number; // from 1
}

const DEPTH_MAX = 64;

const escapeToken = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');

// "/a/b" -> "/a/b", "/a", "": what is looked for, the nearest first.
export function ancestors(pointer: string): string[] {
	const all = [pointer];
	for (let cut = pointer.lastIndexOf('/'); cut >= 0; cut = pointer.lastIndexOf('/', cut - 1)) {
		all.push(pointer.slice(0, cut));
		if (cut === 0) break;
	}
	return all;
}

// The place of the member that the pointer names, or of the nearest around it that is there; null: of none.
export function locate(text: string, pointer: string): Place | null {
	const wanted = ancestors(pointer);
	const found = /^\s*[{[]/.test(text) ? new JsonReader(text, wanted).read() : readYaml(text, wanted);
	for (const candidate of wanted) {
		const place = candidate ? found.get(candidate) : undefined;
		if (place) return place;
	}
	return null;
}

class JsonReader {
	private readonly found = new Map<string, Place>();
	private readonly wanted: Set<string>;
	private at = 0;
	private line = 1;
	private lineStart = 0;

	constructor(private readonly text: string, wanted: string[]) {
		this.wanted = new Set(wanted);
	}

	read(): Map<string, Place> {
		this.value('', 0);
		return this.found;
	}

	private skip(separators: string): void {
		for (; this.at < this.text.length; this.at++) {
			const c = this.text[this.at] ?? '';
			if (c === '\n') {
				this.line++;
				this.lineStart = this.at + 1;
			} else if (!' \t\r'.includes(c) && !separators.includes(c)) {
				return;
			}
		}
	}

	// pointer null: of nothing that is looked for.  False: it makes no sense from here on.
	private value(pointer: string | null, depth: number): boolean {
		this.skip('');
		const c = this.text[this.at];
		if (c === '{' || c === '[') return depth < DEPTH_MAX && this.members(pointer, depth, c === '{');
		if (c === '"') return this.string() !== null;
		const rest = /[^\s,\]}]*/y;
		rest.lastIndex = this.at;
		this.at += rest.exec(this.text)?.[0].length ?? 0;
		return c !== undefined;
	}

	private members(pointer: string | null, depth: number, named: boolean): boolean {
		const close = named ? '}' : ']';
		this.at++;
		for (let i = 0; ; i++) {
			this.skip(',');
			if (this.at >= this.text.length) return false;
			if (this.text[this.at] === close) {
				this.at++;
				return true;
			}
			const before = this.at;
			const place = { line: this.line, column: this.at - this.lineStart + 1 };
			const name = named ? this.string() : String(i);
			if (name === null) return false;
			const member = this.note(pointer, name, place);
			if (named) this.skip(':');
			if (!this.value(member, depth + 1) || this.at === before) return false;
		}
	}

	private note(parent: string | null, name: string, place: Place): string | null {
		const pointer = parent === null ? null : `${parent}/${escapeToken(name)}`;
		if (pointer === null || !this.wanted.has(pointer)) return null;
		// of a name that is there twice the second is the one too many
		this.found.set(pointer, place);
		return pointer;
	}

	private string(): string | null {
		const quoted = /"(?:[^"\\\n]|\\.)*"/y;
		quoted.lastIndex = this.at;
		const token = quoted.exec(this.text)?.[0];
		if (token === undefined) return null;
		this.at += token.length;
		try {
			return String(JSON.parse(token));
		} catch {
			return token.slice(1, -1);
		}
	}
}

// A name at the beginning of a line, its colon followed by space: plain names hold colons that are not.
const PAIR = /^( *)(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^\s#"'{[&*!|>%@`?-][^#]*?)) *:(?:\s|$)/;

// Mappings in block style, by their indentation.
function readYaml(text: string, wanted: string[]): Map<string, Place> {
	const found = new Map<string, Place>();
	const parents: { indent: number; pointer: string }[] = [];
	text.split('\n').forEach((content, i) => {
		const pair = PAIR.exec(content);
		if (!pair) return;
		const indent = pair[1]?.length ?? 0;
		while ((parents.at(-1)?.indent ?? -1) >= indent) parents.pop();
		const name = pair[2] ?? pair[3]?.replaceAll("''", "'") ?? pair[4] ?? '';
		const pointer = `${parents.at(-1)?.pointer ?? ''}/${escapeToken(name)}`;
		parents.push({ indent, pointer });
		if (wanted.includes(pointer)) found.set(pointer, { line: i + 1, column: indent + 1 });
	});
	return found;
}
