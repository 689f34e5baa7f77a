// A document becomes a profile: picked, dropped or pasted, and corrected until the server takes it.
import { ApiError } from '../api';
import { confirm } from '../dialog';
import { append, h, replace, uniqueId } from '../dom';
import { integer } from '../format';
import type { Session } from '../session';
import { decode, formatOf, nameOf, NAME, NAME_MAX, type Format } from './document';
import { faultsOf, type Fault } from './faults';
import { createListing } from './listing';
import { inTheWay, put, type Current, type Document, type Stored } from './store';

const EDITABLE_MAX = 2_000_000; // characters; a longer text is sent as it is
const FILE_MAX = 8 * 2 ** 20;    // bytes; as many as the server takes
const REPLACING_MAX = 3;        // others may be replacing it too

export interface Upload {
	element: HTMLElement;
	take(file: File): Promise<void>;
}

function field(label: string, control: HTMLElement, hint: string): HTMLElement {
	const id = uniqueId('hint');
	control.setAttribute('aria-describedby', id);
	return h('div', { class: 'upload-field' },
		h('label', {}, h('span', {}, label), control), h('p', { class: 'muted', id }, hint));
}

class Form implements Upload {
	readonly element: HTMLElement;
	private readonly file = h('input',
		{ type: 'file', accept: '.json,.yaml,.yml,application/json,application/yaml' });
	private readonly name = h('input', { name: 'profile', required: true, maxlength: NAME_MAX, pattern: NAME.source,
		autocomplete: 'off', spellcheck: 'false', placeholder: 'acme/cam-m7' });
	private readonly text = h('textarea', { name: 'document', rows: 8, spellcheck: 'false', wrap: 'off',
		placeholder: '{"limits": {"latency_ms": 20}, "latency_table": …}' });
	private readonly format = h('select', { name: 'format' },
		h('option', { value: 'json' }, 'JSON'), h('option', { value: 'yaml' }, 'YAML'));
	private readonly unit = h('select', { name: 'unit' }, h('option', { value: '' }, 'the document says it'),
		...['ms', 'us', 's'].map((unit) => h('option', { value: unit }, unit)));
	private readonly outcome = h('div', { class: 'outcome', role: 'status' });
	private readonly listing = createListing();
	private readonly button = h('button', { class: 'primary' }, 'Upload');
	private large: string | null = null; // a text that is too long for the text area
	private broken: number | null = null;

	constructor(private readonly session: Session, private readonly onStored: (stored: Stored) => void) {
		const drop = h('label', { class: 'drop' }, h('span', {}, 'Drop a file anywhere here, or choose one'),
			this.file);
		this.element = h('section', { class: 'card upload', 'aria-labelledby': 'upload-title' },
			h('h3', { id: 'upload-title' }, 'Upload a device'),
			h('form', { onSubmit: (event) => { event.preventDefault(); void this.submit(); } },
				h('div', { class: 'upload-parts' },
					h('div', { class: 'upload-fields' }, drop, h('div', { class: 'upload-row' },
						field('Name', this.name, 'Parts with / between.'),
						field('Format', this.format, 'Told from the document.'),
						field('Unit of time', this.unit, 'For tables that do not say it.'))),
					field('Document', this.text,
						'A profile, or a table of once-for-all, ProxylessNAS or NSGANetV2.')),
				h('div', { class: 'buttons' }, this.button)),
			this.outcome, this.listing.element);
		this.file.addEventListener('change', () => {
			if (this.file.files?.[0]) void this.take(this.file.files[0]);
		});
		this.text.addEventListener('input', () => this.changed());
	}

	async take(file: File): Promise<void> {
		this.listing.clear();
		if (file.size > FILE_MAX)
			return this.refuse('', [{ place: null, message: `${file.name} is larger than ${integer(FILE_MAX)} bytes.` }]);
		const data = await file.arrayBuffer().catch(() => null);
		if (!data) return this.refuse('', [{ place: null, message: `${file.name} cannot be read; is it a folder?` }]);
		const { text, broken } = decode(data);
		this.large = text.length > EDITABLE_MAX ? text : null;
		this.text.value = this.large === null ? text : '';
		this.text.disabled = this.large !== null;
		this.broken = broken;
		this.describe(text, file.name);
		replace(this.outcome, h('p', {}, `${file.name}: ${integer(file.size)} bytes${
			this.large === null ? '' : ', too long to be edited here'}.`));
		this.button.focus();
	}

	// The text was typed or pasted.
	private changed(): void {
		this.broken = null;
		this.describe(this.text.value, '');
	}

	private describe(text: string, fileName: string): void {
		this.format.value = formatOf(text, fileName);
		if (fileName || this.name.value === '') this.name.value = nameOf(text, fileName);
	}

	private document(): Document {
		return {
			name: this.name.value.trim(),
			text: this.large ?? this.text.value,
			format: this.format.value as Format,
			unit: this.unit.value || null,
		};
	}

	private async submit(): Promise<void> {
		const document = this.document();
		this.listing.clear();
		if (this.broken !== null)
			return this.refuse(document.text,
				[{ place: { line: this.broken, column: 1 }, message: 'bytes that are not UTF-8' }]);
		replace(this.outcome, h('p', { class: 'muted' }, 'Uploading …'));
		this.button.disabled = true;
		try {
			const stored = await this.store(document);
			replace(this.outcome, ...(stored ? told(stored) : [h('p', {}, 'Nothing was replaced.')]));
			if (stored) this.onStored(stored);
		} catch (error) {
			this.fail(error, document);
		} finally {
			this.button.disabled = false;
		}
	}

	// Null: there is another, and it is to stay.
	private async store(document: Document): Promise<Stored | null> {
		let replacing: Current | null = null;
		for (let tries = 0; ; tries++) {
			try {
				return await put(this.session, document, replacing);
			} catch (error) {
				const current: Current | null = inTheWay(error);
				if (!current || tries === REPLACING_MAX) throw error;
				if (!await confirm(replaceQuestion(document.name, current, replacing))) return null;
				replacing = current;
			}
		}
	}

	private fail(error: unknown, document: Document): void {
		if (!(error instanceof ApiError)) {
			const message = error instanceof Error ? error.message : String(error);
			this.refuse('', [{ place: null, message }]);
			return;
		}
		this.refuse(document.text, faultsOf(error.problem, document.text));
		if (error.status === 403) append(this.outcome, [h('button', { type: 'button', onClick: () => {
			this.session.api.token = null;
			void this.submit();
		} }, 'Use another token')]);
	}

	private refuse(text: string, faults: Fault[]): void {
		const placed = faults.filter((fault) => fault.place !== null), line = placed[0]?.place?.line;
		replace(this.outcome, h('div', { class: 'not-stored' },
			h('p', {}, 'Not stored. ', line === undefined ? ''
				: placed.length > 1
					? `There are ${placed.length} faults, the first in line ${integer(line)}.`
					: `The fault is in line ${integer(line)}.`),
			...faults.filter((fault) => fault.place === null).map((fault) => h('p', {}, fault.message)),
			line !== undefined && this.large === null &&
				h('button', { type: 'button', onClick: () => this.edit(line) },
					`Edit line ${integer(line)}`)));
		if (placed.length) this.listing.show(text, placed);
	}

	private edit(line: number): void {
		const lines = this.text.value.split('\n');
		const start = lines.slice(0, line - 1).reduce((n, content) => n + content.length + 1, 0);
		this.text.focus();
		this.text.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
		const height = parseFloat(getComputedStyle(this.text).lineHeight);
		this.text.scrollTop = Math.max(0, (line - 3) * height);
	}
}

function replaceQuestion(name: string, current: Current, asked: Current | null) {
	return {
		title: asked ? 'It has changed meanwhile' : `Replace ${name}?`,
		text: `There is a profile ${name}, revision ${current.revision}. What you upload becomes the next `
			+ 'revision; packages that were delivered stay as they are.',
		action: 'Replace it',
	};
}

function tableText(table: NonNullable<Stored['table']>): string {
	const { dialect, rows, resolutions, unit, unit_source, rows_left_out } = table;
	return `Understood as a table of the form ${dialect} with ${integer(rows)} rows for `
		+ `${resolutions === 1 ? 'one resolution' : `${resolutions} resolutions`}, in ${unit} (${unit_source})`
		+ `${rows_left_out ? `; ${integer(rows_left_out)} rows, to which no other leads, were left out` : ''}.`;
}

function told(stored: Stored): HTMLElement[] {
	const { name, revision, outcome, latency_entries: entries, table } = stored;
	const said = outcome === 'unchanged' ? `${name} is this already, revision ${revision}.`
		: `${name} is ${outcome === 'created' ? 'stored' : 'replaced'}, revision ${revision}, `
			+ `with ${integer(entries)} entries.`;
	const all = [h('p', { class: 'success' }, said)];
	if (table) all.push(h('p', {}, tableText(table)));
	return all;
}

export function createUpload(session: Session, onStored: (stored: Stored) => void): Upload {
	return new Form(session, onStored);
}

// Files that are dropped on the element.
export function acceptDrops(element: HTMLElement, onFile: (file: File) => void): void {
	let inside = 0; // entering a child comes before leaving its parent
	const mark = (step: number) => element.classList.toggle('dropping', (inside = Math.max(0, inside + step)) > 0);
	const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
	element.addEventListener('dragenter', (event) => { if (hasFiles(event)) mark(1); });
	element.addEventListener('dragleave', (event) => { if (hasFiles(event)) mark(-1); });
	element.addEventListener('dragover', (event) => { if (hasFiles(event)) event.preventDefault(); });
	element.addEventListener('drop', (event) => {
		const file = event.dataTransfer?.files[0];
		mark(-inside);
		if (!file) return;
		event.preventDefault();
		onFile(file);
	});
}
