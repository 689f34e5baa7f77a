// Elements without a framework.  Text is set as text, never as markup.

export type Child = Node | string | number | null | undefined | false;
type Value = string | number | boolean | null | undefined | ((event: Event) => void);
export type Attributes = Record<string, Value>;

const SVG = 'http://www.w3.org/2000/svg';

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
	for (const [name, value] of Object.entries(attributes)) {
		if (typeof value === 'function') element.addEventListener(name.slice(2).toLowerCase(), value);
		else if (value === true) element.setAttribute(name, '');
		else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
	}
	append(element, children);
	return element;
}

// h('button', {class: 'x', onClick: f}, 'text'); an attribute that is false, null or undefined is left out.
export function h<K extends keyof HTMLElementTagNameMap>(
	name: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
	return fill(document.createElement(name), attributes, children);
}

// The same for SVG.
export function s<K extends keyof SVGElementTagNameMap>(
	name: K, attributes: Attributes = {}, ...children: Child[]
): SVGElementTagNameMap[K] {
	return fill(document.createElementNS(SVG, name), attributes, children);
}

export function append(element: Element, children: Child[]): void {
	for (const child of children)
		if (child !== null && child !== undefined && child !== false)
			element.append(typeof child === 'number' ? String(child) : child);
}

export function replace(element: Element, ...children: Child[]): void {
	element.replaceChildren();
	append(element, children);
}

let ids = 0;
// For labels and descriptions that refer to an element.
export function uniqueId(prefix: string): string {
	return `${prefix}-${++ids}`;
}
