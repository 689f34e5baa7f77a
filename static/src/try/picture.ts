// The picture that is asked about: a drawing or a file, how it is cut and turned to what networks were trained on.
import { h, replace } from '../dom';
import { DRAWINGS, draw, type Drawing } from './drawings';
import {
	fromImageData, ground, inkSquare, inverted, isPlain, middleSquare, readFile, resample, toImageData, type Pixels,
} from './image';
import { PAD_SIDE, Pad } from './pad';

const FILE_BYTES_MAX = 20e6;
const OWN_SIDE_MAX = 64; // pictures as small as that were cut by who made them
const THUMB_SIDE = 44;
const BRUSH = { least: 4, usual: 22, most: 60 };

export interface PictureOptions {
	onChange(): void;
	onDrawing(name: string | null): void; // one was chosen, or there is something else
	onRefused(reason: string): void;
}

export class Picture {
	readonly element: HTMLElement;
	private readonly pad: Pad;
	private file: ImageData | null = null;
	private isEmpty = true;
	private readonly name = h('p', { class: 'muted source' });
	private readonly crop = this.checkbox('Cut to what is drawn, in the middle', true);
	private readonly invert = this.checkbox('Invert light and dark', false);
	private readonly filled = this.checkbox('Fill what a line encloses', true);
	private readonly width = h('input', { type: 'range', min: BRUSH.least, max: BRUSH.most, value: BRUSH.usual });
	private readonly chooser = h('input', { type: 'file', accept: 'image/*', onChange: () => this.chosen() });
	readonly drawings: HTMLElement; // to choose from
	private readonly buttons: HTMLButtonElement[];

	constructor(private readonly options: PictureOptions) {
		this.pad = new Pad(() => ({ width: Number(this.width.value), filled: this.filled.input.checked }), () => this.drawn());
		this.buttons = DRAWINGS.map((drawing) => this.drawingButton(drawing));
		this.drawings = h('fieldset', { class: 'drawings' }, h('legend', {}, 'Drawings to begin with'), ...this.buttons);
		this.element = h('section', { class: 'card picture', 'aria-label': 'Picture',
			onDragover: (e) => this.dragged(e as DragEvent), onDragleave: () => this.element.classList.remove('over'),
			onDrop: (e) => this.dropped(e as DragEvent) },
			h('h3', {}, 'Draw, or drop an image'), this.pad.element, this.name,
			h('div', { class: 'buttons' },
				h('button', { type: 'button', onClick: () => this.clear() }, 'Clear'),
				h('button', { type: 'button', onClick: () => this.pad.undo() }, 'Undo'),
				h('label', { class: 'button file' }, 'Open an image', this.chooser)),
			h('div', { class: 'tools' }, h('label', { class: 'field' }, h('span', {}, 'Brush'), this.width),
				this.filled.field, this.crop.field, this.invert.field));
	}

	// A drawing by its name, or nothing.
	choose(name: string | null): void {
		const drawing = DRAWINGS.find((d) => d.name === name);
		this.file = null;
		this.isEmpty = drawing === undefined;
		this.pad.show(drawing ? (context) => draw(context, drawing, PAD_SIDE) : null);
		this.mark(drawing?.name ?? null, drawing ? `A drawing: ${drawing.name}` : 'Nothing is drawn yet');
		this.crop.input.checked = true;
		this.invert.input.checked = false;
	}

	async open(file: File): Promise<void> {
		try {
			this.show(await readFile(file, FILE_BYTES_MAX), file.name);
		} catch (e) {
			this.options.onRefused(`${file.name}: ${e instanceof Error ? e.message : String(e)}`);
		}
	}

	// (side, side, channels) as a network takes it; null: there is nothing to see.
	pixels(side: number, channels: number): Pixels | null {
		if (this.isEmpty && !this.pad.isTouched) return null;
		const whole = fromImageData(this.file && !this.pad.isTouched ? this.file : this.pad.image, channels);
		const seen = this.invert.input.checked ? inverted(whole) : whole;
		const square = this.crop.input.checked ? inkSquare(seen) : middleSquare(seen);
		return square && resample(seen, square, side);
	}

	private show(image: ImageData, name: string): void {
		const grey = fromImageData(image, 1), isLight = ground(grey) > 127;
		this.file = image;
		this.isEmpty = false;
		this.pad.show((context) => place(context, image, isLight), isLight);
		this.mark(null, `${name}, ${image.width} × ${image.height}`);
		this.crop.input.checked = isPlain(grey) && Math.max(image.width, image.height) > OWN_SIDE_MAX;
		this.invert.input.checked = isLight && isPlain(grey);
		this.options.onDrawing(null);
		this.options.onChange();
	}

	private clear(): void {
		this.choose(null);
		this.options.onDrawing(null);
		this.options.onChange();
	}

	private drawn(): void {
		if (this.isEmpty) this.name.textContent = this.pad.isTouched ? 'Your drawing' : 'Nothing is drawn yet';
		this.options.onChange();
	}

	private chosen(): void {
		const file = this.chooser.files?.[0];
		if (file) void this.open(file);
		this.chooser.value = '';
	}

	private dragged(event: DragEvent): void {
		event.preventDefault();
		this.element.classList.add('over');
	}

	private dropped(event: DragEvent): void {
		event.preventDefault();
		this.element.classList.remove('over');
		const file = event.dataTransfer?.files[0];
		if (file) void this.open(file);
		else this.options.onRefused('What was dropped is no file.');
	}

	private mark(drawing: string | null, text: string): void {
		this.name.textContent = text;
		for (const button of this.buttons) button.setAttribute('aria-pressed', String(button.textContent === drawing));
	}

	private drawingButton(drawing: Drawing): HTMLButtonElement {
		const canvas = h('canvas', { width: THUMB_SIDE, height: THUMB_SIDE, 'aria-hidden': 'true' });
		const context = canvas.getContext('2d');
		if (context) draw(context, drawing, THUMB_SIDE);
		return h('button', { type: 'button', 'aria-pressed': 'false', onClick: () => {
			this.choose(drawing.name);
			this.options.onDrawing(drawing.name);
			this.options.onChange();
		} }, canvas, h('span', {}, drawing.name));
	}

	private checkbox(label: string, checked: boolean): { field: HTMLElement; input: HTMLInputElement } {
		const input = h('input', { type: 'checkbox', checked, onChange: () => this.options.onChange() });
		return { field: h('label', { class: 'check' }, input, h('span', {}, label)), input };
	}
}

// In the middle, as large as it may be; what is around it is of the ground's kind.
function place(context: CanvasRenderingContext2D, image: ImageData, isLight: boolean): void {
	const canvas = new OffscreenCanvas(image.width, image.height), scale = PAD_SIDE / Math.max(image.width, image.height);
	canvas.getContext('2d')?.putImageData(image, 0, 0);
	const width = image.width * scale, height = image.height * scale;
	context.fillStyle = isLight ? '#fff' : '#000';
	context.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
	context.imageSmoothingEnabled = scale < 4;
	context.drawImage(canvas, (PAD_SIDE - width) / 2, (PAD_SIDE - height) / 2, width, height);
}

// What a network is given, enlarged.
export class Seen {
	readonly element: HTMLElement;
	private readonly canvas = h('canvas', { class: 'pixels', role: 'img', 'aria-label': 'The image as the network gets it' });
	private readonly size = h('p', { class: 'muted' });

	constructor() {
		this.element = h('section', { class: 'card seen', 'aria-label': 'Input' },
			h('h3', {}, 'What it is given'), this.canvas, this.size);
	}

	show(pixels: Pixels | null): void {
		this.canvas.hidden = pixels === null;
		if (!pixels) return replace(this.size, 'Nothing yet');
		this.canvas.width = pixels.width;
		this.canvas.height = pixels.height;
		this.canvas.getContext('2d')?.putImageData(toImageData(pixels), 0, 0);
		replace(this.size, `${pixels.width} × ${pixels.height}, ${pixels.channels === 1 ? 'grey' : 'in colour'}`);
	}
}
