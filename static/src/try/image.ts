// From a picture to the bytes that a network takes.

// (height, width, channels) bytes.
export interface Pixels {
	height: number;
	width: number;
	channels: number;
	data: Uint8ClampedArray;
}

// A square of a picture; what lies outside of the picture is ground.
export interface Square {
	x: number;
	y: number;
	side: number;
}

const FILE_SIDE_MAX = 512; // larger pictures are made as large
const INK_LEAST = 24;      // by which a pixel differs from the ground that is drawn on
const PLAIN = 40;          // by which a plain ground differs from itself

// Red, green and blue as they are; grey by Rec. 601, in integers, so that what is grey keeps its value.
export function fromImageData(image: ImageData, channels: number): Pixels {
	const n = image.width * image.height, from = image.data;
	const data = new Uint8ClampedArray(n * channels);
	for (let i = 0; i < n; i++) {
		const r = from[4 * i] ?? 0, g = from[4 * i + 1] ?? 0, b = from[4 * i + 2] ?? 0;
		if (channels === 1) data[i] = (77 * r + 150 * g + 29 * b + 128) >> 8;
		else data.set([r, g, b].slice(0, channels), i * channels);
	}
	return { height: image.height, width: image.width, channels, data };
}

export function inverted(p: Pixels): Pixels {
	return { ...p, data: p.data.map((v) => 255 - v) };
}

// Its four edges, one value of each pixel.
function edge(p: Pixels): number[] {
	const at = (x: number, y: number) => p.data[(y * p.width + x) * p.channels] ?? 0;
	const values: number[] = [];
	for (let x = 0; x < p.width; x++) values.push(at(x, 0), at(x, p.height - 1));
	for (let y = 0; y < p.height; y++) values.push(at(0, y), at(p.width - 1, y));
	return values.sort((a, b) => a - b);
}

// What most of the edge is.
export function ground(p: Pixels): number {
	const values = edge(p);
	return values[values.length >> 1] ?? 0;
}

// Whether the picture is of a thing before a plain ground, as a drawing is and a photograph seldom.
export function isPlain(p: Pixels): boolean {
	const values = edge(p), at = (part: number) => values[Math.floor(part * (values.length - 1))] ?? 0;
	return at(0.95) - at(0.05) <= PLAIN;
}

// The smallest square around all that is not ground; null: there is nothing.
export function inkSquare(p: Pixels): Square | null {
	const base = ground(p);
	let left = p.width, right = -1, top = p.height, bottom = -1;
	for (let y = 0; y < p.height; y++)
		for (let x = 0; x < p.width; x++)
			for (let c = 0; c < p.channels; c++) {
				if (Math.abs((p.data[(y * p.width + x) * p.channels + c] ?? 0) - base) < INK_LEAST) continue;
				left = Math.min(left, x);
				right = Math.max(right, x);
				top = Math.min(top, y);
				bottom = Math.max(bottom, y);
			}
	if (right < 0) return null;
	const side = Math.max(right - left, bottom - top) + 1;
	return { x: (left + right + 1 - side) / 2, y: (top + bottom + 1 - side) / 2, side };
}

// The largest square in the middle.
export function middleSquare(p: Pixels): Square {
	const side = Math.min(p.width, p.height);
	return { x: Math.floor((p.width - side) / 2), y: Math.floor((p.height - side) / 2), side };
}

interface Tap {
	at: number; // in the source
	weight: number;
}

// The part [from, from + side) of a row -> n pixels, as the networks' own images were resized (engine/tensor/resize.h): a
// triangle, widened where the image shrinks.  Taps outside of the row have at < 0.
function taps(length: number, from: number, side: number, n: number): Tap[][] {
	const step = side / n, support = Math.max(step, 1);
	return Array.from({ length: n }, (_, i) => {
		const centre = from + step * (i + 0.5), list: Tap[] = [];
		for (let at = Math.ceil(centre - support - 0.5); at <= Math.floor(centre + support - 0.5); at++) {
			const weight = 1 - Math.abs(at + 0.5 - centre) / support;
			// the edges of a whole image have nothing behind them; of a part, what lies there
			const inside = at >= 0 && at < length, whole = from >= 0 && from + side <= length;
			if (weight > 0 && (inside || !whole)) list.push({ at: inside ? at : -1, weight });
		}
		const sum = list.reduce((all, tap) => all + tap.weight, 0);
		return list.map(({ at, weight }) => ({ at, weight: weight / sum }));
	});
}

// A square of a picture -> (n, n, channels).
export function resample(p: Pixels, square: Square, n: number): Pixels {
	const base = ground(p), c = p.channels;
	const columns = taps(p.width, square.x, square.side, n), rows = taps(p.height, square.y, square.side, n);
	const data = new Uint8ClampedArray(n * n * c);
	rows.forEach((rowTaps, y) => {
		const line = new Float64Array(p.width * c), outside = rowTaps.reduce((all, t) => all + (t.at < 0 ? t.weight : 0), 0);
		line.fill(base * outside);
		for (const { at, weight } of rowTaps)
			if (at >= 0) for (let i = 0; i < line.length; i++) line[i]! += weight * (p.data[at * line.length + i] ?? 0);
		columns.forEach((columnTaps, x) => {
			for (let k = 0; k < c; k++)
				data[(y * n + x) * c + k] = columnTaps.reduce((sum, { at, weight }) =>
					sum + weight * (at < 0 ? base : line[at * c + k] ?? 0), 0);
		});
	});
	return { height: n, width: n, channels: c, data };
}

// What a network's pixels look like, to be put on a canvas of their size.
export function toImageData(p: Pixels): ImageData {
	const image = new ImageData(p.width, p.height);
	for (let i = 0; i < p.width * p.height; i++) {
		for (let k = 0; k < 3; k++) image.data[4 * i + k] = p.data[i * p.channels + (k < p.channels ? k : 0)] ?? 0;
		image.data[4 * i + 3] = 255;
	}
	return image;
}

// What a file holds, before white where it is transparent.  Throws with a reason that people understand.
export async function readFile(file: Blob, bytesMax: number): Promise<ImageData> {
	if (file.size > bytesMax) throw new Error(`The file is larger than ${bytesMax / 1e6} MB.`);
	const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' })
		.catch(() => { throw new Error('This is no image that the browser can read.'); });
	const scale = Math.min(1, FILE_SIDE_MAX / Math.max(bitmap.width, bitmap.height));
	const width = Math.max(1, Math.round(bitmap.width * scale)), height = Math.max(1, Math.round(bitmap.height * scale));
	const canvas = new OffscreenCanvas(width, height);
	const context = canvas.getContext('2d', { willReadFrequently: true });
	if (!context) throw new Error('The browser has no canvas to read the image by.');
	context.fillStyle = '#fff';
	context.fillRect(0, 0, width, height);
	context.imageSmoothingQuality = 'high';
	context.drawImage(bitmap, 0, 0, width, height);
	bitmap.close();
	return context.getImageData(0, 0, width, height);
}
