import { h, replace } from '../dom';
import type { ViewFactory } from '../view';

export const createCost: ViewFactory = (root) => {
	replace(root, h('h2', {}, 'Cost'));
	return { update() {}, destroy() {} };
};
