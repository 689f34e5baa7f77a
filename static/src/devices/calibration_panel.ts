// What a table predicts against what devices measured.
import { path } from '../api';
import { h } from '../dom';
import { integer, milliseconds } from '../format';
import { fileLink } from '../fetched';
import { scatter, type Line } from '../plot/scatter';
import { headings, scroll } from '../tables';
import type { Session } from '../session';
import type { CalibrationReport } from '../types';

const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
const times = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });

const EXAMPLE = `curl -X POST "$SERVER/subnets/$ID/measurements" \\
  -H 'Content-Type: application/json' -d '{"latency_ms": 4.25, "device": "cam-7f:01"}'`;

function howTo(): HTMLElement[] {
	return [
		h('p', {}, 'No device has reported yet. A device that was given a package for this profile says how '
			+ 'long it takes, and the prediction is compared here:'),
		h('pre', { tabindex: 0, 'aria-label': 'Example of a report' }, EXAMPLE),
		h('p', { class: 'muted' },
			'ID is that of the package; with "calibrated": true, requests take the reports into account.'),
	];
}

function fitText({ fit, scale, offset_ms: offset }: CalibrationReport): string {
	if (fit === 'none') return 'No correction is made.';
	const shift = fit === 'line' && offset !== 0
		? `, ${offset > 0 ? 'plus' : 'minus'} ${milliseconds(Math.abs(offset))}` : '';
	return `Fitted: ${times.format(scale)} times what is predicted${shift}.`;
}

function errorText(report: CalibrationReport): string {
	const { before, after } = report;
	if (!before || !after) return '';
	return `As the table has it, predictions are off by ${percent(before.mape)} on average `
		+ `(${milliseconds(before.median_abs_ms)} in the median); calibrated, by ${percent(after.mape)} `
		+ `(${milliseconds(after.median_abs_ms)}).`;
}

function chart(report: CalibrationReport): HTMLElement {
	const { scale, offset_ms: offset } = report;
	const lines: Line[] = [{ name: 'as predicted', y: (x) => x, dashed: true }];
	if (report.fit !== 'none') lines.push({ name: 'fitted', y: (x) => Math.max(scale * x + offset, x / 10) });
	return scatter(report.points.map((point) => ({
		x: point.predicted_ms, y: point.measured_ms, mark: 'circle',
		text: `Package ${point.subnet.slice(0, 12)}: predicted ${milliseconds(point.predicted_ms)}, `
			+ `measured ${milliseconds(point.measured_ms)} on ${point.devices} `
			+ `${point.devices === 1 ? 'device' : 'devices'}`,
	})), {
		label: 'Measured latency against predicted latency', log: false, lines,
		legend: [{ mark: 'circle', name: 'packages' }],
		x: { title: 'predicted', format: milliseconds }, y: { title: 'measured', format: milliseconds },
	});
}

const cells = (point: CalibrationReport['points'][number]) => [
	milliseconds(point.predicted_ms), milliseconds(point.measured_ms), milliseconds(point.calibrated_ms),
	integer(point.devices), integer(point.measurements),
];

function table(session: Session, report: CalibrationReport): HTMLElement {
	const head = ['Package', 'Predicted', 'Measured', 'Calibrated', 'Devices', 'Reports'];
	return scroll('Predicted and measured latency', h('table', {},
		headings(head, 1),
		h('tbody', {}, ...report.points.map((point) => h('tr', { 'data-subnet': point.subnet },
			h('th', { scope: 'row' }, h('code', {},
				fileLink(session, path`subnets/${point.subnet}/manifest`, `${point.subnet.slice(0, 12)}.json`, {},
					point.subnet.slice(0, 12)))),
			...cells(point).map((text) => h('td', { class: 'number' }, text)))))));
}

export async function calibrationPanel(session: Session, name: string): Promise<HTMLElement> {
	const report = await session.api.json<CalibrationReport>(path`profiles/${name}/calibration`);
	const section = h('section', { class: 'card calibration', 'aria-labelledby': 'calibration-title' },
		h('h3', { id: 'calibration-title' }, 'Predicted against measured'));
	if (report.points.length === 0) section.append(...howTo());
	else section.append(
		h('p', { class: 'finding' }, errorText(report)),
		h('p', {}, fitText(report),
			` From ${integer(report.measurements)} reports of ${integer(report.devices)} `
			+ `${report.devices === 1 ? 'device' : 'devices'} on ${integer(report.packages)} packages.`),
		chart(report), table(session, report));
	return section;
}
