// Drawings to begin with: one of each thing that Fashion-MNIST knows, drawn by hand for this page in a square of 100, white
// on black and seen as that data set sees things: shoes look to the left.

interface Part {
	d: string;
	shade: number;   // 0 black .. 1 white
	stroke?: number; // the width of a line; else the shape is filled
}

export interface Drawing {
	name: string;
	parts: Part[];
}

export const DRAWING_SIDE = 100;

export const DRAWINGS: readonly Drawing[] = [
	{ name: 'Coat', parts: [
		{ d: 'M38 3 L62 3 L80 11 L96 92 L84 95 L77 50 L78 98 L22 98 L23 50 L16 95 L4 92 L20 11Z', shade: 0.9 },
		{ d: 'M50 14 L50 98', shade: 0.3, stroke: 2 },
		{ d: 'M30 70 L42 66 M70 70 L58 66', shade: 0.3, stroke: 3 },
	] },
	{ name: 'T-shirt', parts: [
		{ d: 'M36 4 L22 9 L5 30 L18 43 L27 34 L27 97 L73 97 L73 34 L82 43 L95 30 L78 9 L64 4 Q50 16 36 4Z', shade: 0.8 },
	] },
	{ name: 'Trouser', parts: [
		{ d: 'M33 2 L67 2 L72 98 L55 98 L51 28 L49 28 L45 98 L28 98Z', shade: 0.85 },
	] },
	{ name: 'Pullover', parts: [
		{ d: 'M38 7 Q50 13 62 7 L80 15 L96 88 L84 92 L75 46 L75 94 L25 94 L25 46 L16 92 L4 88 L20 15Z', shade: 0.7 },
	] },
	{ name: 'Dress', parts: [
		{ d: 'M40 2 L44 14 L56 14 L60 2 L65 4 L62 30 L60 42 L74 98 L26 98 L40 42 L38 30 L35 4Z', shade: 0.75 },
	] },
	{ name: 'Sandal', parts: [
		{ d: 'M4 68 Q30 74 56 66 L96 56 L96 66 Q60 76 30 77 L6 76Z', shade: 0.8 },
		{ d: 'M16 68 Q28 44 44 68', shade: 0.7, stroke: 5 },
		{ d: 'M44 67 Q62 50 92 36 L92 58', shade: 0.7, stroke: 4 },
	] },
	{ name: 'Shirt', parts: [
		{ d: 'M38 3 L62 3 L80 12 L90 58 L78 62 L74 44 L74 97 L26 97 L26 44 L22 62 L10 58 L20 12Z', shade: 0.4 },
		{ d: 'M27 24 L73 24 M27 36 L73 36 M27 48 L73 48 M27 60 L73 60 M27 72 L73 72 M27 84 L73 84', shade: 0.9, stroke: 4 },
		{ d: 'M34 14 L34 96 M44 14 L44 96 M56 14 L56 96 M66 14 L66 96', shade: 0.9, stroke: 4 },
		{ d: 'M38 3 L50 20 L62 3', shade: 1, stroke: 4 },
	] },
	{ name: 'Sneaker', parts: [
		{ d: 'M4 62 Q8 52 24 50 L48 36 Q54 32 58 36 L66 40 L88 32 L95 36 L97 64 L4 66Z', shade: 0.9 },
		{ d: 'M4 66 L97 64 L97 71 L6 72Z', shade: 0.5 },
	] },
	{ name: 'Bag', parts: [
		{ d: 'M8 40 L92 40 L96 94 L4 94Z', shade: 0.8 },
		{ d: 'M30 40 Q32 8 50 8 Q68 8 70 40', shade: 0.7, stroke: 5 },
	] },
	{ name: 'Ankle boot', parts: [
		{ d: 'M52 8 L92 6 L94 60 L97 92 L78 92 L76 86 L62 91 L6 92 L4 78 Q8 66 32 60 L50 46Z', shade: 0.75 },
	] },
];

const grey = (shade: number) => `rgb(${[0, 0, 0].map(() => Math.round(shade * 255)).join(' ')})`;

// On black, in a square of `side`.
export function draw(context: CanvasRenderingContext2D, drawing: Drawing, side: number): void {
	context.save();
	context.scale(side / DRAWING_SIDE, side / DRAWING_SIDE);
	context.lineCap = context.lineJoin = 'round';
	for (const { d, shade, stroke } of drawing.parts) {
		context.fillStyle = context.strokeStyle = grey(shade);
		if (stroke) {
			context.lineWidth = stroke;
			context.stroke(new Path2D(d));
		} else {
			context.fill(new Path2D(d));
		}
	}
	context.restore();
}
