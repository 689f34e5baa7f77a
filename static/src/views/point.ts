import { h, replace } from '../dom';
import type { ViewFactory } from '../view';

export const createPoint: ViewFactory = (root) => {
	replace(root, h('h2', {}, 'Point'));
	return { update() {}, destroy() {} };
};
