import { h, replace } from '../dom';
import type { ViewFactory } from '../view';

export const createFront: ViewFactory = (root) => {
	replace(root, h('h2', {}, 'Front'));
	return { update() {}, destroy() {} };
};
