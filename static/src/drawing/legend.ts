// What the signs of the drawing mean, and the numbers of the block that is looked at.
import { h, replace, s } from '../dom';
import type { Plan } from '../types';
import { colourClass, unitName } from './cells';
import type { Highlight } from './highlight';
import { unitFacts } from './net';
import { kernelShape } from './shapes';

const W = 30, H = 22;

const sign = (...children: SVGElement[]) =>
	s('svg', { class: 'sign', viewBox: `0 0 ${W} ${H}`, 'aria-hidden': 'true' }, ...children);
const cell = (...children: SVGElement[]) => s('g', { class: `cell ${colourClass(0)}` }, ...children);

function kernels(): SVGElement[] {
	return [3, 5, 7].map((kernel) => {
		const w = 4 + 2.6 * kernel;
		return sign(cell(kernelShape(kernel, { x: (W - w) / 2, y: 2, w, h: H - 4 })));
	});
}

export function createLegend(): HTMLElement {
	const [three, five, seven] = kernels();
	const box = { x: 9, y: 5, w: 12, h: 12 };
	const items: [SVGElement | undefined, string][] = [
		[three, 'kernel 3'], [five, 'kernel 5'], [seven, 'kernel 7'],
		[sign(cell(kernelShape(3, { x: 5, y: 8, w: 8, h: 6 }), kernelShape(3, { x: 18, y: 1, w: 8, h: 20 }))),
			'thickness: middle channels (as a root)'],
		[sign(s('g', { class: 'cell skipped' }, s('rect', { class: 'shape', x: 9, y: 2, width: 12, height: 18 }))),
			'left out'],
		[sign(cell(kernelShape(3, box), s('circle', { class: 'se', cx: 15, cy: 11, r: 3 }))), 'squeeze and excitation'],
		[sign(cell(s('path', { class: 'residual', d: 'M3,16V7Q3,3 7,3H23Q27,3 27,7V16' }), kernelShape(3, { ...box, y: 9 }))),
			'residual'],
		[sign(s('text', { class: 'label middle', x: W / 2, y: 16 }, '÷2')), 'stride 2'],
		[sign(s('rect', { class: 'largest-image', x: 4, y: 1, width: 20, height: 20 }),
			s('rect', { class: 'image', x: 8, y: 5, width: 12, height: 12 })), 'image, in its largest size'],
	];
	return h('ul', { class: 'legend', 'aria-label': 'Legend' },
		...items.map(([picture, meaning]) => h('li', {}, picture, h('span', {}, meaning))));
}

// Always as high as with numbers, so that nothing moves.
export function createUnitLine(highlight: Highlight): { element: HTMLElement; show(plan: Plan): void } {
	const name = h('h3'), facts = h('dl'), element = h('div', { class: 'unit-line idle' }, name, facts);
	let plan: Plan | null = null;
	const show = () => {
		const first = plan?.units[0], shown = highlight.shown === null ? undefined : plan?.units[highlight.shown];
		if (!plan || !first) return;
		element.classList.toggle('idle', !shown);
		name.textContent = shown ? unitName(shown) : 'Point at a block, or walk the blocks with the arrow keys';
		replace(facts, ...unitFacts(plan, shown ?? first).map(([what, value]) =>
			h('div', {}, h('dt', {}, what), h('dd', {}, shown ? value : '–'))));
	};
	highlight.subscribe(show);
	return {
		element,
		show(next) {
			plan = next;
			show();
		},
	};
}
