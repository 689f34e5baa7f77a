// Which further devices' fronts are drawn, and in which colour.
import { h, replace } from '../dom';
import type { Store } from '../state';

export interface Overlays {
	element: HTMLElement;
	// remarks: why a device's front is not there.
	update(main: string | null, overlays: string[], known: string[], remarks: Map<string, string>): void;
}

export const COLOURS = 8; // category-1 to category-8; the first resembles the main device's
export const overlayColour = (i: number): string => `category-${2 + (i % (COLOURS - 1))}`;

export function createOverlays(store: Store): Overlays {
	const chips = h('ul', { class: 'chips' });
	const select = h('select', { onChange: () => {
		const name = select.value, { overlays } = store.state;
		if (name && !overlays.includes(name)) store.set({ overlays: [...overlays, name] });
		select.value = '';
	} });
	const label = h('label', { class: 'field' }, h('span', {}, 'Compare with'), select);
	const remove = (name: string) => h('button', { type: 'button', 'aria-label': `Remove ${name}`,
		onClick: () => store.set({ overlays: store.state.overlays.filter((other) => other !== name) }) }, '×');
	const chip = (name: string, colour: string, remark: string | undefined, button: HTMLElement | null) =>
		h('li', { class: `chip ${colour}` }, h('span', { class: 'swatch', 'aria-hidden': 'true' }),
			h('span', {}, name, remark ? ` (${remark})` : ''), button);
	let drawn = '';
	return {
		element: h('div', { class: 'overlays' }, chips, label),
		update(main, overlays, known, remarks) {
			const now = JSON.stringify([main, overlays, known, [...remarks]]);
			if (now === drawn) return;
			drawn = now;
			replace(chips, main !== null && chip(main, 'main', remarks.get(main), null),
				...overlays.map((name, i) => chip(name, overlayColour(i), remarks.get(name), remove(name))));
			const others = known.filter((name) => name !== main && !overlays.includes(name));
			replace(select, h('option', { value: '' }, 'another device…'),
				...others.map((name) => h('option', { value: name }, name)));
			label.hidden = !others.length || overlays.length >= COLOURS - 1;
		},
	};
}
