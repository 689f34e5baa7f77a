// A canvas to draw on with mouse, finger or pen: something that lies on it, and strokes over that.
import { h } from '../dom';

interface Stroke {
	points: [number, number][];
	width: number;
	filled: boolean;
}

export interface Brush {
	width: number;
	filled: boolean; // what a stroke encloses is filled, once it ends
}

export const PAD_SIDE = 280;
const STROKES_MAX = 300, POINTS_MAX = 4000;
const BLACK = '#000', WHITE = '#fff';

export class Pad {
	readonly element: HTMLCanvasElement;
	private readonly context: CanvasRenderingContext2D;
	private readonly strokes: Stroke[] = [];
	private base: ((context: CanvasRenderingContext2D) => void) | null = null;
	private ink = WHITE;
	private active: Stroke | null = null;

	constructor(private readonly brush: () => Brush, private readonly onChange: () => void) {
		this.element = h('canvas', { width: PAD_SIDE, height: PAD_SIDE, class: 'pad', role: 'img',
			'aria-label': 'What you draw. Without a pointer, choose a drawing or a file.' });
		const context = this.element.getContext('2d', { willReadFrequently: true });
		if (!context) throw new Error('the browser has no canvas');
		this.context = context;
		this.element.addEventListener('pointerdown', (e) => this.begin(e));
		this.element.addEventListener('pointermove', (e) => this.move(e));
		for (const end of ['pointerup', 'pointercancel'] as const) this.element.addEventListener(end, () => this.end());
		this.redraw();
	}

	// Whether something was drawn over what lies on it.
	get isTouched(): boolean {
		return this.strokes.length > 0;
	}

	get image(): ImageData {
		return this.context.getImageData(0, 0, PAD_SIDE, PAD_SIDE);
	}

	// Puts something on it, without strokes; isLight: it is to be drawn over in black.
	show(base: ((context: CanvasRenderingContext2D) => void) | null, isLight = false): void {
		this.base = base;
		this.ink = isLight ? BLACK : WHITE;
		this.strokes.length = 0;
		this.active = null;
		this.redraw();
	}

	undo(): void {
		this.strokes.pop();
		this.redraw();
		this.onChange();
	}

	private begin(event: PointerEvent): void {
		if (event.button !== 0 || this.active || this.strokes.length >= STROKES_MAX) return;
		event.preventDefault();
		this.element.setPointerCapture(event.pointerId);
		this.active = { points: [this.place(event)], ...this.brush() };
		this.strokes.push(this.active);
		this.redraw();
		this.onChange();
	}

	private move(event: PointerEvent): void {
		if (!this.active) return;
		const events = event.getCoalescedEvents();
		for (const e of events.length ? events : [event])
			if (this.active.points.length < POINTS_MAX) this.active.points.push(this.place(e));
		this.trace({ ...this.active, filled: false });
		this.onChange();
	}

	private end(): void {
		if (!this.active) return;
		this.active = null;
		this.redraw();
		this.onChange();
	}

	private place(event: PointerEvent): [number, number] {
		const box = this.element.getBoundingClientRect();
		return [(event.clientX - box.left) / box.width * PAD_SIDE, (event.clientY - box.top) / box.height * PAD_SIDE];
	}

	private redraw(): void {
		this.context.fillStyle = BLACK;
		this.context.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
		this.base?.(this.context);
		for (const stroke of this.strokes) this.trace(stroke === this.active ? { ...stroke, filled: false } : stroke);
	}

	private trace({ points, width, filled }: Stroke): void {
		const context = this.context, [first] = points;
		if (!first) return;
		context.strokeStyle = context.fillStyle = this.ink;
		context.lineWidth = width;
		context.lineCap = context.lineJoin = 'round';
		context.beginPath();
		context.moveTo(...first);
		for (const point of points) context.lineTo(...point);
		if (filled) context.fill();
		context.stroke();
	}
}
