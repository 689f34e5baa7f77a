// Asks for a token in a dialog; the server tells whether it is one.
import { h } from './dom';

// Nothing else can be sent in a header.
const PRINTABLE = '\\s*[!-~]+\\s*';

export function askToken(again: boolean): Promise<string | null> {
	const input = h('input', { type: 'password', name: 'token', autocomplete: 'off', required: true, size: 44,
		pattern: PRINTABLE, title: 'letters, digits and _ as they were printed' });
	const dialog = h('dialog', { 'aria-labelledby': 'token-title' },
		h('form', { method: 'dialog' },
			h('h2', { id: 'token-title' }, 'This server asks for a token'),
			h('p', {}, again ? 'That token was not accepted. ' : '',
				'It needs the scope read, and provision to take packages away; `ofad token add` makes one. ',
				'It is kept until this tab is closed.'),
			h('label', { class: 'field' }, h('span', {}, 'Token'), input),
			h('div', { class: 'buttons' },
				h('button', { value: 'ok', class: 'primary' }, 'Use it'),
				h('button', { value: '', formnovalidate: true }, 'Cancel'))));
	document.body.append(dialog);
	dialog.showModal();
	return new Promise((resolve) => dialog.addEventListener('close', () => {
		dialog.remove();
		resolve(dialog.returnValue === 'ok' ? input.value.trim() : null);
	}, { once: true }));
}
