// HTTP as the tests speak it: whole exchanges with limits on time and size, and raw bytes.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

const REPLY_MAX = 64 << 20;
export const PATIENCE_MS = 30000;

// { status, headers: lower-case name -> value, body: Buffer }.  `options`: method, path, headers, body, agent,
// host, tls (options of https.request), timeout.
export function exchange(port, options) {
	const { host = '127.0.0.1', tls, body, timeout = PATIENCE_MS } = options;
	return new Promise((resolve, reject) => {
		const request = (tls ? https : http).request({
			host,
			port,
			method: options.method,
			path: options.path,
			headers: options.headers,
			agent: options.agent ?? false,
			...tls,
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
				resolve({
					status: response.statusCode,
					headers: response.headers,
					body: Buffer.concat(chunks),
				});
			});
		});
		request.end(body);
	});
}

// Sends the bytes on a fresh connection; { how, bytes }: what came back, and why that is all: "whole" answer, "closed" by
// the other end, "reset", or "silent" for `silence` ms.  `patience`: after so many ms without a whole answer nothing
// more will be sent, and the other end is told so.  `method`: of the request, as HEAD's answer has no body.
export function rawExchange(port, bytes, { silence = 2000, patience = 0, method = 'GET' } = {}) {
	return new Promise((resolve) => {
		const chunks = [];
		const socket = net.connect(port, '127.0.0.1');
		let timer = null;
		const impatient = patience && setTimeout(() => socket.end(), patience);
		function done(how) {
			clearTimeout(timer);
			clearTimeout(impatient);
			socket.destroy();
			resolve({ how, bytes: Buffer.concat(chunks) });
		}
		function listen() {
			clearTimeout(timer);
			timer = setTimeout(() => done('silent'), silence);
		}
		socket.on('connect', () => {
			socket.write(bytes);
			listen();
		});
		socket.on('data', (chunk) => {
			chunks.push(chunk);
			if (parseReply(Buffer.concat(chunks), method)?.whole) done('whole');
			else listen();
		});
		socket.on('error', () => done('reset'));
		socket.on('close', () => done('closed'));
	});
}

// The content of a chunked body, and whether its end is there.
function dechunk(bytes) {
	const parts = [];
	for (let at = 0; ;) {
		const line = bytes.indexOf('\r\n', at);
		const size = line < 0 ? NaN : parseInt(bytes.subarray(at, line).toString('latin1'), 16);
		if (size === 0) return { body: Buffer.concat(parts), whole: bytes.includes('\r\n\r\n', line) };
		if (!(line + 2 + size <= bytes.length)) return { body: Buffer.concat(parts), whole: false };
		parts.push(bytes.subarray(line + 2, line + 2 + size));
		at = line + 4 + size;
	}
}

// The first final answer in the bytes: { status, headers, body, whole }, or null when there is none.
export function parseReply(bytes, method = 'GET') {
	const end = bytes.indexOf('\r\n\r\n');
	const text = bytes.subarray(0, Math.max(end, 0)).toString('latin1');
	const first = /^HTTP\/1\.[01] (\d{3})/.exec(text);
	if (!first) return null;
	const status = Number(first[1]);
	const rest = bytes.subarray(end + 4);
	if (status === 100) return parseReply(rest, method);
	const headers = {};
	for (const line of text.split('\r\n').slice(1)) {
		const colon = line.indexOf(':');
		headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
	}
	if (method === 'HEAD' || status === 204 || status === 304)
		return { method, status, headers, body: Buffer.alloc(0), whole: true };
	if (headers['transfer-encoding'] === 'chunked') return { method, status, headers, ...dechunk(rest) };
	const length = Number(headers['content-length'] ?? NaN);
	return { method, status, headers, body: rest.subarray(0, length || undefined), whole: rest.length >= length };
}
