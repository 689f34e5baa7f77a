// A question that is answered before anything is done.
import { h, uniqueId } from './dom';

export interface Question {
	title: string;
	text: string;
	action: string;      // what the button says that does it
	destructive?: boolean;
}

// True: do it.
export function confirm({ title, text, action, destructive }: Question): Promise<boolean> {
	const id = uniqueId('question');
	const dialog = h('dialog', { 'aria-labelledby': id },
		h('form', { method: 'dialog' },
			h('h2', { id }, title),
			h('p', {}, text),
			h('div', { class: 'buttons' },
				h('button', { value: 'ok', class: destructive ? 'danger' : 'primary' }, action),
				h('button', { value: '', autofocus: destructive === true }, 'Cancel'))));
	document.body.append(dialog);
	const before = document.activeElement;
	dialog.showModal();
	return new Promise((resolve) => dialog.addEventListener('close', () => {
		dialog.remove();
		if (before instanceof HTMLElement && before.isConnected) before.focus();
		resolve(dialog.returnValue === 'ok');
	}, { once: true }));
}
