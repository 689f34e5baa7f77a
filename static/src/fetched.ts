// Files of the server that are taken away, and links to them.
import { h, type Attributes } from './dom';
import type { Session } from './session';

export function save(blob: Blob, name: string): void {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(blob);
	link.download = name;
	link.click();
	// the browser has taken hold of it by then
	setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// A link carries no token: where there is one, what it leads to is fetched and saved under the name.
export function fileLink({ api }: Session, href: string, name: string, attributes: Attributes, text: string): HTMLElement {
	const fault = h('span', { role: 'alert', class: 'fault' });
	const fetchIt = async () => {
		fault.textContent = '';
		try {
			save(await (await api.fetch(href)).blob(), name);
		} catch (e) {
			fault.textContent = ` ${e instanceof Error ? e.message : String(e)}`;
		}
	};
	return h('span', {}, h('a', { ...attributes, href, onClick: (event) => {
		if (!api.token) return;
		event.preventDefault();
		void fetchIt();
	} }, text), fault);
}
