// Commands with a button that copies them.
import { h } from '../dom';

// Where the page came without TLS there is no clipboard: then what is selected is copied.
async function copy(text: string, from: HTMLElement): Promise<boolean> {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		getSelection()?.selectAllChildren(from);
		return document.execCommand('copy');
	}
}

export interface Command {
	element: HTMLElement;
	show(text: string): void;
}

export function createCommand(name: string): Command {
	const code = h('code');
	const pre = h('pre', { tabindex: 0, 'aria-label': `${name} command` }, code);
	const said = h('span', { role: 'status', class: 'muted' });
	const button = h('button', { type: 'button', 'aria-label': `Copy the ${name} command`, onClick: async () => {
		const done = await copy(code.textContent ?? '', code);
		said.textContent = done ? 'Copied' : 'Selected: copy it with your keyboard';
	} }, 'Copy');
	return {
		element: h('div', { class: 'command' }, h('div', { class: 'command-head' }, h('h3', {}, name), said, button), pre),
		show(text) {
			if (code.textContent === text) return;
			code.textContent = text;
			said.textContent = '';
		},
	};
}
