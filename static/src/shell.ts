// The frame around the views: where one is, which network, the theme, the token.
import { h, replace, uniqueId } from './dom';
import { DTYPES, type Dtype } from './types';
import type { Session } from './session';
import { VIEWS, type State, type ViewName } from './state';
import { THEMES, ThemeChoice } from './theme';

const TITLES: Record<ViewName, string> = {
	front: 'Front', point: 'Point', try: 'Try it', devices: 'Devices', cost: 'Cost',
};

export interface Shell {
	main: HTMLElement;
	update(state: State): void;
	// What went wrong, or nothing; read out.
	report(error: unknown): void;
}

function themeButton(): HTMLElement {
	const choice = new ThemeChoice();
	const show = () => { button.textContent = `Theme: ${choice.theme}`; };
	const button = h('button', { type: 'button', class: 'theme', onClick: () => {
		choice.theme = THEMES[(THEMES.indexOf(choice.theme) + 1) % THEMES.length] ?? 'auto';
		show();
	} });
	show();
	return button;
}

function select(label: string, onChange: (value: string) => void): { field: HTMLElement; select: HTMLSelectElement } {
	const id = uniqueId('choice');
	const element = h('select', { id, onChange: () => onChange(element.value) });
	return { field: h('span', { class: 'field' }, h('label', { for: id }, label), element), select: element };
}

function offer(element: HTMLSelectElement, choices: [value: string, text: string][], chosen: string): void {
	const all = choices.some(([value]) => value === chosen) ? choices : [...choices, [chosen, chosen] as [string, string]];
	// Told of every move while something is dragged, it only changes what is different.
	const same = all.length === element.options.length &&
		all.every(([value, text], i) => element.options[i]?.value === value && element.options[i]?.text === text);
	if (!same) replace(element, ...all.map(([value, text]) => h('option', { value }, text)));
	if (element.value !== chosen) element.value = chosen;
}

// What went wrong, and a button to try once more.
function createReport(onAgain: () => void) {
	const text = h('span', { role: 'alert' });
	const element = h('div', { class: 'report', hidden: true }, text,
		h('button', { type: 'button', onClick: onAgain }, 'Try again'));
	return {
		element,
		show(error: unknown) {
			element.hidden = error === null;
			text.textContent = error === null ? '' : error instanceof Error ? error.message : String(error);
		},
	};
}

// onAgain: begins the view anew.
export function createShell(root: HTMLElement, session: Session, onAgain: () => void): Shell {
	const { store, api } = session;
	const network = select('Network', (name) =>
		store.set({ network: name, arch: null, pinned: null, limits: {}, zoom: null }));
	const profile = select('Device', (name) => store.set({ profile: name || null, x: null, limits: {}, zoom: null }));
	const dtype = select('Type', (name) => store.set({ dtype: name as Dtype, x: null, limits: {}, zoom: null }));
	const links = VIEWS.map((view) => h('a', { class: 'tab' }, TITLES[view]));
	const main = h('main', { id: 'main', tabindex: -1 });
	const report = createReport(onAgain);
	const token = h('button', { type: 'button', 'aria-label': 'Token: give another', hidden: true, onClick: async () => {
		if (await api.replaceToken()) onAgain();
	} }, 'Token');
	// a link carries no token
	const plain = h('span', {}, h('a', { href: 'front' }, 'As a plain table'), ' · ');
	replace(root,
		h('a', { class: 'skip', href: '#main', onClick: (e) => { e.preventDefault(); main.focus(); } }, 'Skip to content'),
		h('header', { class: 'top' },
			h('div', { class: 'brand' }, h('img', { src: 'static/icon.svg', alt: '', width: 28, height: 28 }), h('h1', {}, 'ofad')),
			h('nav', { 'aria-label': 'Views' }, ...links),
			h('div', { class: 'choices' }, network.field, profile.field, dtype.field),
			h('div', { class: 'own' }, token, themeButton())),
		report.element, main,
		h('footer', {}, plain, h('a', { href: 'openapi.yaml' }, 'API'), ' · ', h('a', { href: 'problems' }, 'Problems')));

	const fillChoices = async () => {
		const [networks, profiles] = await Promise.all([session.networks(), session.profiles()]), { state } = store;
		token.hidden = api.token === null;
		plain.hidden = api.token !== null;
		offer(network.select, networks.map((n) => [n.name, n.name]), state.network ?? networks[0]?.name ?? '');
		offer(profile.select, [['', 'none'], ...profiles.map((p): [string, string] => [p.name, p.name])], state.profile ?? '');
	};
	return {
		main,
		report: report.show,
		update(state) {
			VIEWS.forEach((view, i) => {
				const link = links[i];
				link?.setAttribute('href', store.link({ view }));
				if (view === state.view) link?.setAttribute('aria-current', 'page');
				else link?.removeAttribute('aria-current');
			});
			document.title = `${TITLES[state.view]} · ofad`;
			offer(dtype.select, DTYPES.map((name) => [name, name]), state.dtype);
			fillChoices().catch(report.show);
		},
	};
}
