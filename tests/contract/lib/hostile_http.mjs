// Messages that are hostile as HTTP: methods, targets, fields, framing.
const CRLF = '\r\n';

// prettier-ignore
const METHODS = [
	'TRACE', 'PATCH', 'OPTIONS', 'CONNECT', 'get', 'Post', 'PUT', 'DELETE', 'HEAD', 'GET', 'POST', 'PROPFIND',
	'PRI', 'X', '', 'GET GET', 'G\x00T', 'G\xffT', '\x16\x03\x01', '"GET"', 'A'.repeat(300), 'A'.repeat(8192),
	'A'.repeat(40000),
];

// prettier-ignore
const TEXTS = [
	'', ' ', 'x', '*', '/', '..', '%', '%0', '%zz', '%00', '%0d%0a', '%ff', '%2e%2e%2f', '\xff\xfe', '\xc3\xa9',
	'a'.repeat(127), 'a'.repeat(128), 'a'.repeat(300), 'a'.repeat(5000), '-1', '0', '1', '1001', '1e9',
	'9'.repeat(30), '0x1', '1.0', 'NaN', 'true', 'null', '[]', '{}', '"', '""', '"a"', 'W/"a"', '"a", "b"',
	'"a', ',,,', 'a,b,c', '"'.repeat(500), 'a/b', '/a', 'a//b', 'a@1', 'a@0', 'a@', 'a@99999999999999999999',
	"'", '<script>', '${jndi:ldap://x}', ';', '&', '#', '?a=b', '=', '+', '\t', 'Bearer', 'Bearer x',
	`Bearer ${'A'.repeat(3000)}`, 'Basic eDp5', 'bytes=0-', 'bytes=-', 'bytes=-0', 'bytes=5-2', 'bytes=0-0,1-1',
	`bytes=${'9'.repeat(30)}-`, 'bytes=0-99999999999999999999', 'lines=1-2', `bytes=${'0-0,'.repeat(1000)}0-0`,
	'respond-async', 'wait=0', 'wait=-1', 'wait=99999999999', 'wait=x', 'wait="1"', 'respond-async, wait=0',
	'application/json', 'application/*', '*/*;q=0', '*/*;q=2', 'text/html;q=x', 'application/json;q=0.0001',
	`${'a/b,'.repeat(500)}c/d`,
];

// Fields that servers look at, documented here or not.
// prettier-ignore
const FIELDS = [
	'Accept', 'Accept-Encoding', 'Authorization', 'Content-Encoding', 'Content-Type', 'Cookie', 'Expect',
	'Forwarded', 'Host', 'Idempotency-Key', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Range',
	'If-Unmodified-Since', 'Last-Event-ID', 'Origin', 'Prefer', 'Range', 'TE', 'Trailer', 'Upgrade', 'Via',
	'X-Forwarded-For', 'X-HTTP-Method-Override', 'X-Request-Id',
];

// Lines that are no fields.
// prettier-ignore
const LINES = [
	'no colon', ': no name', 'A b: c', 'A\x00: b', 'A: \x00', ' folded', '\tfolded', `A: ${'a'.repeat(40000)}`,
	'A:', '\xff: \xff', 'Connection: close, close', 'Connection: upgrade',
	`${'A: b\r\n'.repeat(2000)}A: b`,
];

// prettier-ignore
const LENGTHS = [
	'-1', '+2', '0x2', '1e1', '2, 2', '2 2', '', ' ', 'x', '2;', '9223372036854775808', '18446744073709551616',
	'99999999999999999999999',
];

// prettier-ignore
const CHUNKS = [
	'2\r\n{}\r\n0\r\n\r\n', '2;a=b\r\n{}\r\n0\r\n\r\n', `2;${'a'.repeat(9000)}\r\n{}\r\n0\r\n\r\n`, '0\r\n\r\n',
	'-1\r\n{}\r\n0\r\n\r\n', 'zz\r\n{}\r\n0\r\n\r\n', '2\n{}\n0\n\n', '2\r\n{}0\r\n\r\n',
	'3\r\n{}\r\n0\r\n\r\n', '1\r\n{}\r\n0\r\n\r\n', 'ffffffffffffffff\r\n{}', '10000000000000000\r\n{}',
	' 2\r\n{}\r\n0\r\n\r\n', '0x2\r\n{}\r\n0\r\n\r\n', '2\r\n{}\r\n0\r\nA: b\r\n\r\n',
	'2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n', `${'1\r\n \r\n'.repeat(2000)}2\r\n{}\r\n0\r\n\r\n`,
];

// prettier-ignore
const CODINGS = [
	'chunked', 'Chunked', 'chunked, chunked', 'gzip', 'gzip, chunked', 'identity', 'chunked, identity',
	'xchunked', ' chunked', 'chunked\x0b', '',
];

// prettier-ignore
const VERSIONS = [
	'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/11.1',
	'HTTP/1.1.1', 'http/1.1', 'HTTP/x', 'FTP/1.1', '',
];

// For a query: as a client encodes it, or as it is.
const encoded = (random, text) => (random.chance(0.6) ? encodeURIComponent(text) : text.replace(/[\s#]/g, '+'));

export const hostileText = (random) => random.pick(TEXTS);

export function hostileQuery(random, names) {
	const pairs = [];
	for (let n = random.below(3); n >= 0; n--) {
		const name = names.length && !random.chance(0.1) ? random.pick(names) : hostileText(random);
		pairs.push(
			random.chance(0.1)
				? encoded(random, name)
				: `${encoded(random, name)}=${encoded(random, hostileText(random))}`,
		);
	}
	return pairs.join('&');
}

export function hostileFields(random, names) {
	const fields = [];
	for (let n = random.below(3); n >= 0; n--) {
		const name = names.length && random.chance(0.5) ? random.pick(names) : random.pick(FIELDS);
		fields.push(`${name}: ${hostileText(random)}`);
	}
	return fields;
}

// A whole message for one of the targets: { bytes, method, version, coding }.
export function hostileMessage(random, targets) {
	const version = random.pick(VERSIONS);
	const method = random.chance(0.5) ? random.pick(METHODS) : random.pick(['GET', 'POST', 'PUT', 'DELETE']);
	let target = random.pick(targets);
	if (random.chance(0.3)) target += `/${hostileText(random)}`;
	if (random.chance(0.1))
		target = random.pick([
			'*',
			'http://x/healthz',
			'http://',
			'//',
			'',
			'a',
			`/${'a'.repeat(40000)}`,
			'/\x00',
			'/\xff',
			'/ a',
		]);
	const lines = [`${method} ${target} ${version}`];
	if (!random.chance(0.1)) lines.push('Host: x');
	if (random.chance(0.3)) lines.push(...hostileFields(random, []));
	if (random.chance(0.2)) lines.splice(1 + random.below(lines.length), 0, random.pick(LINES));
	const { head, body, coding } = framing(random);
	lines.push(...head);
	let text = lines.join(random.chance(0.05) ? '\n' : CRLF) + CRLF + CRLF + body;
	if (random.chance(0.05)) text = `${CRLF.repeat(random.below(3))}${text}`;
	return { bytes: Buffer.from(text, 'latin1'), method, version, coding };
}

function framing(random) {
	const json = 'Content-Type: application/json';
	switch (random.below(5)) {
		case 0:
			return { head: [json, `Content-Length: ${random.pick(LENGTHS)}`], body: '{}' };
		case 1:
			return {
				head: [json, 'Transfer-Encoding: chunked'],
				body: random.pick(CHUNKS),
				coding: 'chunked',
			};
		case 2: {
			const coding = random.pick(CODINGS);
			return { head: [json, `Transfer-Encoding: ${coding}`], body: random.pick(CHUNKS), coding };
		}
		case 3:
			return {
				head: [json, 'Content-Length: 2', `Transfer-Encoding: ${random.pick(CODINGS)}`],
				body: random.pick(CHUNKS),
				coding: 'both',
			};
		default:
			return { head: [], body: '' };
	}
}
