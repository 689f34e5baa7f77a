// Takes the subnet away: buttons that download it, and what is going on.
import { h, replace } from '../dom';
import { save } from '../fetched';
import { bytes } from '../format';
import type { Session } from '../session';
import type { Job, SubnetRequest } from '../types';
import { fileName } from './commands';
import { deliver, deliverSigned, type Delivered } from './deliver';

interface Format {
	label: string;
	suffix: string;
	fetch(session: Session, body: SubnetRequest, signal: AbortSignal, onJob: (job: Job) => void): Promise<Delivered>;
	signs?: boolean; // only of a server that signs
}

const accepting = (accept: string): Format['fetch'] =>
	(session, body, ...rest) => deliver(session, body, accept, ...rest);
const signed = (what: 'signed_manifest' | 'minisig'): Format['fetch'] =>
	(session, body, ...rest) => deliverSigned(session, body, what, ...rest);

const FORMATS: readonly Format[] = [
	{ label: 'Download package', suffix: '.ofa', fetch: accepting('application/vnd.ofa.subnet') },
	{ label: 'ONNX', suffix: '.onnx', fetch: accepting('application/onnx') },
	{ label: 'TFLite', suffix: '.tflite', fetch: accepting('application/vnd.tflite') },
	{ label: 'Manifest', suffix: '.json', fetch: accepting('application/json') },
	{ label: 'Signed manifest', suffix: '.signed.json', fetch: signed('signed_manifest'), signs: true },
	{ label: 'Minisign signature', suffix: '.ofa.minisig', fetch: signed('minisig'), signs: true },
];

const STAGES: Record<Job['progress']['stage'], string> = {
	queued: 'Waiting for a worker', front: 'Computing the front', search: 'Searching', pack: 'Building the package',
};

export interface Take {
	buttons: HTMLElement[];
	status: HTMLElement;
	offer(request: SubnetRequest | null): void; // null: there is nothing to take
	destroy(): void;
}

// What goes on, and how it ended.
function createStatus(cancel: () => void) {
	const text = h('span', { role: 'status' });
	const bar = h('progress', { max: 1, hidden: true, 'aria-label': 'Progress of the search' });
	const button = h('button', { type: 'button', hidden: true, onClick: cancel }, 'Cancel');
	const element = h('div', { class: 'taking' }, text, bar, button);
	return {
		element,
		say(what: string, busy: boolean) {
			replace(text, what);
			button.hidden = !busy;
			bar.hidden = !busy;
			bar.removeAttribute('value');
		},
		progress({ progress: { stage, evaluations, budget } }: Job) {
			replace(text, STAGES[stage]);
			if (budget > 0) bar.value = evaluations / budget;
			else bar.removeAttribute('value');
		},
	};
}

export function createTake(session: Session): Take {
	let request: SubnetRequest | null = null;
	let current: AbortController | null = null;
	const status = createStatus(() => current?.abort());

	const take = async ({ label, suffix, fetch }: Format) => {
		if (!request) return;
		const body = request, controller = new AbortController();
		current?.abort();
		current = controller;
		status.say('Asking the server', true);
		try {
			const { id, blob, checked } = await fetch(session, body, controller.signal, status.progress);
			const name = fileName(body, suffix, id || undefined);
			save(blob, name);
			status.say(`${name}, ${bytes(blob.size)}${checked ? ', SHA-256 as the server says' : ''}`, false);
		} catch (e) {
			if (current !== controller) return;
			const why = controller.signal.aborted ? 'cancelled' : e instanceof Error ? e.message : String(e);
			status.say(`${label}: ${why}`, false);
		}
	};
	const buttons = FORMATS.map((format, i) => h('button', {
		type: 'button', class: i ? null : 'primary', disabled: true, hidden: format.signs,
		onClick: () => { void take(format); },
	}, format.label));
	session.signingKeys().then((keys) => {
		FORMATS.forEach((format, i) => {
			const button = buttons[i];
			if (button && format.signs) button.hidden = keys.length === 0;
		});
	}, () => undefined); // a server that does not say so signs nothing
	return {
		buttons,
		status: status.element,
		offer(next) {
			const same = JSON.stringify(next) === JSON.stringify(request);
			request = next;
			for (const button of buttons) button.disabled = next === null;
			if (same) return;
			current?.abort();
			current = null;
			status.say('', false);
		},
		destroy: () => current?.abort(),
	};
}
