// The dashboard: puts the view that the URL names into the page and tells it of every change.
import { Api } from './api';
import { Session } from './session';
import { createShell } from './shell';
import { Store, type Changed, type State, type ViewName } from './state';
import { askToken } from './token';
import type { View, ViewFactory } from './view';
import { createCost } from './views/cost';
import { createDevices } from './views/devices';
import { createFront } from './views/front';
import { createPoint } from './views/point';
import { createTry } from './views/try';

const FACTORIES: Record<ViewName, ViewFactory> = {
	front: createFront, point: createPoint, try: createTry, devices: createDevices, cost: createCost,
};

// One dialog, however many calls wait for the token.
function sharing(ask: (again: boolean) => Promise<string | null>) {
	let asked: Promise<string | null> | null = null;
	return (again: boolean) => (asked ??= ask(again).finally(() => { asked = null; }));
}

function start(root: HTMLElement): void {
	const store = new Store();
	const session = new Session(new Api(sharing(askToken)), store);
	const shell = createShell(root, session, () => show(store.state, new Set(['view'])));
	let view: View | null = null;

	const tell = (state: State, changed: Changed) => {
		const told = view;
		shell.report(null);
		// what a view that is gone still waited for is nobody's concern
		Promise.resolve(told?.update(state, changed)).catch((e: unknown) => { if (told === view) shell.report(e); });
	};
	const show = (state: State, changed: Changed) => {
		shell.update(state);
		if (view && !changed.has('view')) return tell(state, changed);
		view?.destroy();
		const element = document.createElement('div');
		element.className = `view ${state.view}`;
		shell.main.replaceChildren(element);
		view = FACTORIES[state.view](element, session);
		tell(state, new Set(Object.keys(state) as (keyof State)[]));
	};
	store.subscribe(show);
	show(store.state, new Set(['view']));
}

const root = document.getElementById('app');
if (root) start(root);
