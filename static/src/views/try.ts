import { h, replace } from '../dom';
import type { ViewFactory } from '../view';

export const createTry: ViewFactory = (root) => {
	replace(root, h('h2', {}, 'Try'));
	return { update() {}, destroy() {} };
};
