// The chart's layers: axes, the cloud's canvas over them, and above it all that is drawn as elements.
import { h, s, uniqueId } from '../dom';

export interface Margins {
	left: number;
	right: number;
	top: number;
	bottom: number;
}

export class Layers {
	readonly axisX = s('g', { class: 'axis' });
	readonly axisY = s('g', { class: 'axis' });
	// The origin of this and of the plot is the plot's upper left corner.
	readonly below = s('g', {}, this.axisX, this.axisY);
	readonly ground = s('g', { class: 'ground', 'aria-hidden': 'true' });
	readonly plot = s('g', { class: 'plot' }, this.ground);
	readonly clipped: SVGGElement;
	readonly canvas = h('canvas', { class: 'cloud', 'aria-hidden': 'true' });
	readonly over: SVGSVGElement;
	private readonly under = s('svg', { class: 'layer', 'aria-hidden': 'true' }, this.below);
	private readonly frame = s('rect');

	constructor() {
		const id = uniqueId('clip');
		this.clipped = s('g', { 'clip-path': `url(#${id})` });
		this.over = s('svg', { class: 'layer over', role: 'group' }, s('clipPath', { id }, this.frame), this.plot);
	}

	get elements(): Element[] {
		return [this.under, this.canvas, this.over];
	}

	label(text: string): void {
		this.over.setAttribute('aria-label', text);
	}

	show(visible: boolean): void {
		for (const element of [this.plot, this.below])
			element.setAttribute('visibility', visible ? 'visible' : 'hidden');
		if (!visible) this.canvas.getContext('2d')?.clearRect(0, 0, this.canvas.width, this.canvas.height);
	}

	// All in pixels; width and height are the plot's.
	place({ left, right, top, bottom }: Margins, width: number, height: number, overhang: number): void {
		for (const svg of [this.under, this.over])
			svg.setAttribute('viewBox', `0 0 ${left + width + right} ${top + height + bottom}`);
		for (const g of [this.below, this.plot]) g.setAttribute('transform', `translate(${left},${top})`);
		for (const [name, px] of Object.entries({ left, top, width, height }))
			this.canvas.style.setProperty(name, `${px}px`);
		const frame = { x: -overhang, y: -overhang, width: width + 2 * overhang, height: height + 2 * overhang };
		for (const [name, value] of Object.entries(frame)) this.frame.setAttribute(name, String(value));
	}
}
