// Alerts, dashboard and scaling rules against promtool and against what GET /metrics of a replica has.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { World } from '../contract/lib/world.mjs';
import { DOCKER, SOURCE, Tally, check, equal } from './lib.mjs';

const tally = new Tally();
const RULES = join(SOURCE, 'doc/examples/ofad-alerts.yml'), TESTS = join(SOURCE, 'tests/docker/ofad-alerts.test.yml');
const scratch = mkdtempSync(join(tmpdir(), 'ofad-monitoring-'));
const POSTGRESQL = join(SOURCE, 'tests/services/postgresql'), cluster = join(scratch, 'postgresql');
process.once('exit', () => {
	spawnSync(POSTGRESQL, ['stop', cluster, 'immediate'], { stdio: 'ignore' });
	rmSync(scratch, { recursive: true, force: true });
});
const text = (path) => readFileSync(path, 'utf8');
const promtool = (...args) => {
	const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
	equal(status, 0, `promtool ${args.join(' ')}: ${stdout}${stderr}`);
};

const rules = parse(text(RULES)).groups.flatMap((group) => group.rules);
const alerts = rules.filter((rule) => rule.alert);
const recorded = new Set(rules.filter((rule) => rule.record).map((rule) => rule.record));
const dashboard = JSON.parse(text(join(DOCKER, 'monitoring/grafana-ofad.json')));
const queries = dashboard.panels.flatMap((panel) => panel.targets.map((target) => ({ title: panel.title, expr: target.expr })));

await tally.test('alerts: read, and tried', () => {
	promtool('check', 'rules', RULES);
	promtool('test', 'rules', TESTS);
});

await tally.test('alerts: every one is tried, at a moment when it is raised', () => {
	const raised = new Set(parse(text(TESTS)).tests.flatMap((one) => one.alert_rule_test)
		.filter((one) => one.exp_alerts.length).map((one) => one.alertname));
	for (const { alert } of alerts) check(raised.has(alert), `${alert} is not`);
});

await tally.test('alerts: every one says what to do', () => {
	const headings = new Set([...text(join(SOURCE, 'doc/operations.md')).matchAll(/^#+ (Ofad\w+)$/gm)].map((m) => m[1].toLowerCase()));
	for (const { alert, annotations, labels } of alerts) {
		equal(annotations.runbook, `doc/operations.md#${alert.toLowerCase()}`, `runbook of ${alert}`);
		check(headings.has(alert.toLowerCase()), `doc/operations.md has nothing on ${alert}`);
		check(/^(page|ticket)$/.test(labels.severity), `severity of ${alert}`);
	}
});

await tally.test('Prometheus: configurations are read', () => {
	for (const name of ['compose', 'kubernetes']) {
		const file = join(scratch, `${name}.yml`);
		// Debian's promtool is built without what knows Kubernetes
		const jobs = text(join(DOCKER, `monitoring/prometheus-${name}.yml`)).replace(/^ {4}kubernetes_sd_configs:\n( {6}.*\n)+/m, '');
		writeFileSync(file, jobs);
		promtool('check', 'config', '--syntax-only', file);
	}
});

await tally.test('dashboard: every query is one', () => {
	const file = join(scratch, 'queries.yml');
	const rules = queries.map(({ expr }, i) => ({ record: `query:${i}`, expr: expr.replaceAll('$__rate_interval', '5m') }));
	writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
	promtool('check', 'rules', file);
	equal(new Set(dashboard.panels.map((p) => p.id)).size, dashboard.panels.length, 'panels of their own');
});

// ---- a replica, whose metrics they are about ----

mkdirSync(cluster);
const started = spawnSync(POSTGRESQL, ['start', cluster], { encoding: 'utf8' });
if (started.status === 77) {
	console.log(`SKIP: ${started.stderr || started.stdout}`);
	process.exit(77);
}
const world = new World();
const daemon = await world.start('replica', ['--store', started.stdout.trim(), '--packages', 'postgresql']);
await daemon.exchange({ method: 'POST', path: '/subnets', headers: { 'Content-Type': 'application/json' }, body: '{"limits":{"macs":2000000}}' });
const metrics = (await daemon.exchange({ method: 'GET', path: '/metrics' })).body.toString();
const families = new Map([...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((m) => [m[1], m[2]]));
// What others than ofad say.
const OTHERS = new Set(['up', 'node_filesystem_avail_bytes', 'node_filesystem_size_bytes']);

function there(expr, where) {
	const bare = expr.replace(/\{[^}]*\}|\[[^\]]*\]|\b(by|on|without|group_left|ignoring) *\([^)]*\)/g, ' ');
	for (const [name] of bare.matchAll(/\b(ofad[a-z0-9_:]*|process_[a-z_]+|node_[a-z_]+|up)\b/g)) {
		const family = name.replace(/_(bucket|sum|count)$/, '');
		const known = OTHERS.has(name) || recorded.has(name) || families.has(name) || families.get(family) === 'histogram';
		check(known, `${where}: there is no ${name}`);
		if (families.get(name) === 'counter') check(/(rate|increase)\(\s*\w+[^)]*\[/.test(expr), `${where}: ${name} is a counter`);
	}
	// labels with fixed values are those of series that are there
	for (const [, name, label, value] of expr.matchAll(/\b(ofad_[a-z_]+)\{[^}]*?\b(state|problem|stop|pool|result|listener)="([^"]*)"/g))
		check(metrics.includes(`${label}="${value}"`), `${where}: ${name} has no ${label} ${value}`);
}

for (const rule of rules)
	await tally.test(`${rule.alert ?? rule.record}: of metrics that are there`, () => there(rule.expr, rule.alert ?? rule.record));
for (const { title, expr } of queries)
	await tally.test(`dashboard, ${title}: of metrics that are there`, () => there(expr, title));

await tally.test('scaling: the metric that the autoscaler asks for is made of one that is there', () => {
	const [metric] = parse(text(join(DOCKER, 'kubernetes/autoscaling.yaml'))).spec.metrics;
	const [rule] = parse(text(join(DOCKER, 'kubernetes/prometheus-adapter.yaml'))).rules.custom;
	equal(rule.name.as, metric.pods.metric.name, 'name');
	there(rule.metricsQuery.replaceAll(/<<[^>]*>>/g, 'x=""'), 'metricsQuery');
	there(rule.seriesQuery, 'seriesQuery');
	check(new RegExp(rule.name.matches).test('ofad_queue_length') && families.has('ofad_queue_length'), 'series');
});

await daemon.stop();
tally.end();
