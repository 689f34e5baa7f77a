// HTTP as the tests speak it: whole exchanges with limits on time and size, and raw bytes.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

const REPLY_MAX = 64 << 20;
export const PATIENCE_MS = 30000;

// { status, headers: lower-case name -> value, body: Buffer }.  `options`: method, path, headers, body, agent,
// tls (options of https.request), timeout.
export function exchange(port, options) {
	const { tls, body, timeout = PATIENCE_MS } = options;
	return new Promise((resolve, reject) => {
		const request = (tls ? https : http).request({
			host: '127.0.0.1', port, method: options.method, path: options.path, headers: options.headers,
			agent: options.agent ?? false, ...tls,
		});
		const timer = setTimeout(() => request.destroy(new Error(`no whole answer in ${timeout} ms`)), timeout);
		const fail = (error) => {
			clearTimeout(timer);
			reject(new Error(`${options.method} ${options.path.slice(0, 200)}: ${error.message}`));
		};
		request.on('error', fail);
		request.on('response', (response) => {
			const chunks = [];
			let size = 0;
			response.on('data', (chunk) => {
				chunks.push(chunk);
				size += chunk.length;
				if (size > REPLY_MAX) request.destroy(new Error('the answer is too large'));
			});
			response.on('error', fail);
			response.on('end', () => {
				clearTimeout(timer);
				resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) });
			});
		});
		request.end(body);
	});
}

// Sends the bytes on a fresh connection; what came back until the other end closed, was silent for `quiet` ms or had
// sent a whole answer.  Never fails: what could not be sent was not wanted.
export function rawExchange(port, bytes, { quiet = 2000, timeout = PATIENCE_MS } = {}) {
	return new Promise((resolve) => {
		const chunks = [];
		const socket = net.connect(port, '127.0.0.1');
		let timer = null;
		const timers = [setTimeout(() => done('timeout'), timeout)];
		function done(how) {
			timers.forEach(clearTimeout);
			clearTimeout(timer);
			socket.destroy();
			resolve({ how, bytes: Buffer.concat(chunks) });
		}
		function listen() {
			clearTimeout(timer);
			timer = setTimeout(() => done('quiet'), quiet);
		}
		socket.on('connect', () => {
			socket.write(bytes);
			listen();
		});
		socket.on('data', (chunk) => {
			chunks.push(chunk);
			if (parseReply(Buffer.concat(chunks))?.whole) done('whole');
			else listen();
		});
		socket.on('error', () => done('reset'));
		socket.on('close', () => done('closed'));
	});
}

// The first answer in the bytes: { status, headers, body, whole }, or null when there is no status line.
export function parseReply(bytes) {
	const text = bytes.toString('latin1');
	const end = text.indexOf('\r\n\r\n');
	const first = /^HTTP\/1\.[01] (\d{3})/.exec(text);
	if (!first || end < 0) return null;
	if (first[1] === '100') return parseReply(bytes.subarray(end + 4));
	const headers = {};
	for (const line of text.slice(0, end).split('\r\n').slice(1)) {
		const colon = line.indexOf(':');
		headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
	}
	const length = headers['content-length'];
	const body = bytes.subarray(end + 4, length === undefined ? undefined : end + 4 + Number(length));
	const empty = first[1] === '204' || first[1] === '304';
	const whole = empty || (length !== undefined && body.length === Number(length));
	return { status: Number(first[1]), headers, body, whole };
}
