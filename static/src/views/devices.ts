// Devices: the profiles, uploading one, and what is known of the chosen one.
import { h, replace } from '../dom';
import { createDetail } from '../devices/detail';
import { createList } from '../devices/list';
import { acceptDrops, createUpload } from '../devices/upload';
import type { State } from '../state';
import type { ViewFactory } from '../view';

// The one that the link names, else that of the front.
const chosenOf = (state: State) => state.device ?? state.profile;

export const createDevices: ViewFactory = (root, session) => {
	const { store } = session;
	let calls = 0;

	const update = async (state: State) => {
		const call = ++calls;
		const name = chosenOf(state);
		await Promise.all([list.update(state, name), detail.update(state, name, () => call === calls)]);
	};
	// What the server holds has changed under the name.
	const changed = (patch: Partial<State>) => {
		session.forgetProfiles();
		const before = store.state;
		store.set(patch);
		if (store.state === before) store.announce();
	};
	const list = createList(session, (name, gone) => changed(!gone ? {} : {
		...(store.state.device === name ? { device: null } : {}),
		...(store.state.profile === name ? { profile: null } : {}),
		...(store.state.against === name ? { against: null } : {}),
		overlays: store.state.overlays.filter((overlay) => overlay !== name),
	}));
	const upload = createUpload(session, ({ name }) => changed({ device: name }));
	const detail = createDetail(session);
	const view = h('div', { class: 'devices-view' }, list.element, upload.element, detail.element);
	acceptDrops(view, (file) => { void upload.take(file); });
	replace(root, h('h2', {}, 'Devices'), view);
	return { update, destroy() { calls++; } };
};
