import { h, replace } from '../dom';
import type { ViewFactory } from '../view';

export const createDevices: ViewFactory = (root) => {
	replace(root, h('h2', {}, 'Devices'));
	return { update() {}, destroy() {} };
};
