// JSON bodies that no honest client sends: a good one with some of its values, names or bytes exchanged.

// Bytes that stand where a value should, whatever they are.
class Raw {
	constructor(text) {
		this.bytes = Buffer.from(text, 'latin1');
	}
}

// Objects as lists of pairs, so that names can come twice.
class Members {
	constructor(pairs) {
		this.pairs = pairs;
	}
}

const nest = (open, n, close = '') => open.repeat(n) + close.repeat(n);

// prettier-ignore
const TOKENS = [
	'1e999', '-1e999', '1e-400', '-0', '-0.0', '0', '18446744073709551616', '9007199254740993',
	'-9223372036854775809', '9223372036854775808', '1.0', '0.1e1', '0x10', '01', '+1', '.5', '1.', '1e', 'NaN',
	'Infinity', 'nul', 'True', 'undefined', "'x'", '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"',
	'"\\x"', '"\xff"', '"\xc0\x80"', '"\xed\xa0\x80"', '"\xf5\x80\x80\x80"', '"\n"', '"\x00"', '"', '', ' ',
	',', ']', '}', '/*c*/1', '1' + '0'.repeat(400), `0.${'1'.repeat(5000)}`, `"${'\\u0041'.repeat(2000)}"`,
	nest('[', 100000), nest('{"a":', 50000), nest('[', 2000, ']'), nest('[', 3000, ']'),
	`${nest('{"a":', 1000)}1${'}'.repeat(1000)}`, `[${'0,'.repeat(20000)}0]`,
];

// prettier-ignore
const VALUES = [
	null, true, false, '', 'x', '0', 'ms', '..', '../../etc/passwd', 'a/b', 'a\tb', '\u202e', '\u{1f600}',
	'%00', "'; DROP TABLE profiles; --", 'a'.repeat(64), 'a'.repeat(128), 'a'.repeat(300), 'a'.repeat(100000),
	0, 1, -1, 0.5, 1e-300, 1e300, 2 ** 31, 2 ** 53, 2 ** 53 - 1, [], {}, [1], [[]], [null], { a: 1 }, { '': 0 },
	{ 'a/b~c': 1 }, [{ pointer: '/' }],
];

// prettier-ignore
const NAMES = [
	'', 'x', 'a/b', 'a~b', 'name', 'limits', 'seed', '__proto__', 'a'.repeat(1000), '\u00e9', 'latency_ms',
	'unit', '\n',
];

function build(value) {
	if (Array.isArray(value)) return value.map(build);
	if (value === null || typeof value !== 'object') return value;
	return new Members(Object.entries(value).map(([name, inner]) => [name, build(inner)]));
}

function bytesOf(node) {
	if (node instanceof Raw) return node.bytes;
	const list = (open, parts, close) =>
		Buffer.concat([
			Buffer.from(open),
			...parts.flatMap((p, i) => (i ? [Buffer.from(','), p] : [p])),
			Buffer.from(close),
		]);
	if (Array.isArray(node)) return list('[', node.map(bytesOf), ']');
	if (node instanceof Members)
		return list(
			'{',
			node.pairs.map(([name, inner]) =>
				Buffer.concat([
					name instanceof Raw ? name.bytes : Buffer.from(JSON.stringify(name)),
					Buffer.from(':'),
					bytesOf(inner),
				]),
			),
			'}',
		);
	return Buffer.from(JSON.stringify(node));
}

// Every place of a value: [container, key], the container an array or an object's pairs.
function places(node, found = []) {
	const inner = Array.isArray(node)
		? node.map((v, i) => [node, i, v])
		: node instanceof Members
			? node.pairs.map((pair) => [pair, 1, pair[1]])
			: [];
	for (const [container, key, value] of inner) {
		found.push([container, key]);
		places(value, found);
	}
	return found;
}

function objects(node, found = []) {
	if (node instanceof Members) found.push(node);
	const inner = Array.isArray(node) ? node : node instanceof Members ? node.pairs.map(([, v]) => v) : [];
	for (const value of inner) objects(value, found);
	return found;
}

const hostileValue = (random) => (random.chance(0.5) ? new Raw(random.pick(TOKENS)) : build(random.pick(VALUES)));

function changeValue(random, root) {
	const all = places(root.top);
	const [container, key] = all.length && !random.chance(0.05) ? random.pick(all) : [root, 'top'];
	container[key] = hostileValue(random);
}

function changeNames(random, root) {
	const all = objects(root.top);
	if (!all.length) return;
	const { pairs } = random.pick(all);
	const at = random.below(pairs.length || 1);
	switch (random.below(4)) {
		case 0: // one more
			pairs.splice(at, 0, [random.pick(NAMES), hostileValue(random)]);
			break;
		case 1: // one less
			pairs.splice(at, 1);
			break;
		case 2: // one twice
			if (pairs.length)
				pairs.push([pairs[at][0], random.chance(0.5) ? pairs[at][1] : hostileValue(random)]);
			break;
		default:
			if (pairs.length)
				pairs[at] = [
					random.chance(0.2) ? new Raw(random.pick(TOKENS)) : random.pick(NAMES),
					pairs[at][1],
				];
	}
}

// Without regard to what the bytes mean.
export function changeBytes(random, bytes) {
	const at = random.below(bytes.length + 1);
	const insert = (...what) => Buffer.concat([bytes.subarray(0, at), Buffer.from(what), bytes.subarray(at)]);
	switch (random.below(8)) {
		case 0:
			return bytes.subarray(0, at);
		case 1:
			return insert(random.below(256));
		case 2:
			return insert(0);
		case 3:
			return Buffer.concat([bytes, bytes.subarray(0, at)]);
		case 4:
			return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]);
		case 5:
			return Buffer.from(bytes.toString('latin1'), 'utf16le');
		case 6:
			return Buffer.concat([Buffer.from('['), bytes, Buffer.from(']')]);
		default: {
			const copy = Buffer.from(bytes);
			for (let i = random.below(4); i >= 0 && copy.length; i--)
				copy[random.below(copy.length)] = random.below(256);
			return copy;
		}
	}
}

// Bytes of a body made from a good one.
export function hostileJson(random, sample) {
	const root = { top: build(sample) };
	for (let n = random.below(3); n >= 0; n--) (random.chance(0.6) ? changeValue : changeNames)(random, root);
	const bytes = bytesOf(root.top);
	return random.chance(0.2) ? changeBytes(random, bytes) : bytes;
}
