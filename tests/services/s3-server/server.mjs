// An S3 server for tests: s3rver keeps the objects, and what it lacks is in front of it: AWS's own code checks
// signatures (s3rver takes any of version 4), If-None-Match is kept to, and faults are made on demand.
//
// Usage: server.mjs DIR PORT    DIR/fault, while it is there: "KIND COUNT", what the next COUNT requests meet with
import { createHash, createHmac } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { SignatureV4 } from "@smithy/signature-v4";
import S3rver from "s3rver";

const [dir, port] = process.argv.slice(2);
const key = process.env.AWS_ACCESS_KEY_ID;
const secret = process.env.AWS_SECRET_ACCESS_KEY;
const sessionToken = process.env.AWS_SESSION_TOKEN || undefined;
const region = process.env.AWS_REGION;
const bucket = process.env.S3_BUCKET;
const SKEW_MS = 15 * 60 * 1000;

// As @smithy has hashes.
class Sha256 {
	constructor(secretKey) {
		this.hash = secretKey ? createHmac("sha256", Buffer.from(secretKey)) : createHash("sha256");
	}
	update(data) {
		this.hash.update(typeof data === "string" ? data : Buffer.from(data));
	}
	async digest() {
		return new Uint8Array(this.hash.digest());
	}
}

const signer = new SignatureV4({
	credentials: { accessKeyId: key, secretAccessKey: secret, sessionToken },
	region,
	service: "s3",
	sha256: Sha256,
	uriEscapePath: false,
	applyChecksum: false,
});

class Refusal extends Error {
	constructor(status, code, headers = {}) {
		super(code);
		Object.assign(this, { status, code, headers });
	}
}

function refuse(res, { status, code, headers = {} }, head) {
	const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>as asked for</Message></Error>`;

	res.writeHead(status, { "Content-Type": "application/xml", ...headers });
	res.end(head ? undefined : body);
}

function parseDate(text) {
	const m = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? "");

	return m ? new Date(Date.UTC(+m[1], +m[2] - 1, +m[3], +m[4], +m[5], +m[6])) : null;
}

async function authenticate(req, body) {
	const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
		req.headers.authorization ?? "",
	);
	const date = parseDate(req.headers["x-amz-date"]);

	if (!m || !date)
		throw new Refusal(403, "AccessDenied");
	const [, id, , scopeRegion, names, signature] = m;
	const signed = new Set(names.split(";"));
	const digest = createHash("sha256").update(body).digest("hex");

	if (Math.abs(date - Date.now()) > SKEW_MS)
		throw new Refusal(403, "RequestTimeTooSkewed");
	if (id !== key)
		throw new Refusal(403, "InvalidAccessKeyId");
	if (scopeRegion !== region)
		throw new Refusal(400, "AuthorizationHeaderMalformed", { "x-amz-bucket-region": region });
	for (const name of ["host", ...Object.keys(req.headers).filter((n) => n.startsWith("x-amz-"))])
		if (!signed.has(name))
			throw new Refusal(403, "AccessDenied");
	if (req.headers["x-amz-content-sha256"] !== digest)
		throw new Refusal(400, "XAmzContentSHA256Mismatch");
	if ((req.headers["x-amz-security-token"] ?? undefined) !== sessionToken)
		throw new Refusal(403, "InvalidToken");
	const headers = Object.fromEntries([...signed].map((name) => [name, req.headers[name]]));
	const expected = await signer.sign(
		{ method: req.method, protocol: "http:", hostname: "127.0.0.1", path: req.url, query: {}, headers },
		{ signingDate: date, signableHeaders: signed },
	);

	if (!expected.headers.authorization.endsWith(`Signature=${signature}`))
		throw new Refusal(403, "SignatureDoesNotMatch");
}

// ---- faults ----

function takeFault() {
	const path = `${dir}/fault`;

	if (!existsSync(path))
		return null;
	const [kind, count] = readFileSync(path, "utf8").trim().split(" ");

	if (+count > 1)
		writeFileSync(path, `${kind} ${count - 1}\n`);
	else
		rmSync(path);
	return kind;
}

// What is answered at once, before anything is looked at; true: the request is over.
function failEarly(kind, res, head) {
	if (/^\d+$/.test(kind)) {
		refuse(res, { status: +kind, code: +kind === 503 ? "SlowDown" : "InternalError" }, head);
	} else if (kind === "moved") {
		refuse(res, { status: 301, code: "PermanentRedirect", headers: { "x-amz-bucket-region": region } }, head);
	} else if (kind === "html") {
		res.writeHead(404, { "Content-Type": "text/html" });
		res.end(head ? undefined : "<html>no such page</html>");
	} else if (kind === "mute") {
		res.socket.destroy();
	} else if (kind === "silent") {
		setTimeout(() => res.socket?.destroy(), 60000).unref();
	} else {
		return false;
	}
	return true;
}

// The answer with a fault in its body.
function sendFaulty(kind, res, status, headers, body) {
	const half = body.subarray(0, body.length >> 1);

	switch (kind) {
	case "cut":
		res.writeHead(status, headers);
		res.write(half, () => res.socket.destroy());
		break;
	case "stall":
		res.writeHead(status, headers);
		res.write(half);
		break;
	case "short": // as if the object were smaller
		res.writeHead(status, { ...headers, "content-length": half.length });
		res.end(half);
		break;
	case "huge":
		res.writeHead(status, { ...headers, "content-length": 2 ** 31 });
		res.write(half);
		break;
	case "endless": // without a length
		delete headers["content-length"];
		res.writeHead(status, headers);
		res.end(Buffer.concat([body, half]));
		break;
	case "slow":
		setTimeout(() => sendFaulty(null, res, status, headers, body), 1000);
		break;
	default: {
		const other = Buffer.from(body);

		if (kind === "other" && other.length)
			other[other.length >> 1] ^= 1;
		res.writeHead(status, headers);
		res.end(other);
	}
	}
}

// ---- the server ----

const inner = new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory: `${dir}/objects`, configureBuckets: [{ name: bucket }] });
const { port: innerPort } = await inner.run();

function forward(method, url, headers, body) {
	return new Promise((resolve, reject) => {
		const request = http.request({ host: "127.0.0.1", port: innerPort, method, path: url, headers }, (answer) => {
			const parts = [];

			answer.on("data", (part) => parts.push(part));
			answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
			answer.on("error", reject);
		});

		request.on("error", reject);
		request.end(body);
	});
}

async function answer(req, res, body, fault) {
	const head = req.method === "HEAD";

	if (fault && failEarly(fault, res, head))
		return;
	await authenticate(req, body);
	if (req.headers["if-none-match"] === "*" && req.method === "PUT") {
		if (fault === "unconditional")
			throw new Refusal(501, "NotImplemented");
		if ((await forward("HEAD", req.url, {})).status === 200)
			throw new Refusal(412, "PreconditionFailed");
	}
	const { authorization, host, "x-amz-content-sha256": digest, "if-none-match": match, ...headers } = req.headers;
	const got = await forward(req.method, req.url, headers, body);

	delete got.headers["transfer-encoding"];
	delete got.headers.connection;
	if (head || got.status === 204) {
		res.writeHead(got.status, got.headers);
		res.end();
		return;
	}
	got.headers["content-length"] = got.body.length;
	sendFaulty(got.status === 200 ? fault : null, res, got.status, got.headers, got.body);
}

http.createServer((req, res) => {
	const parts = [];

	req.on("data", (part) => parts.push(part));
	req.on("end", () => {
		answer(req, res, Buffer.concat(parts), takeFault()).catch((error) => {
			const refusal = error instanceof Refusal ? error : new Refusal(500, "InternalError");

			if (refusal !== error)
				console.error(error);
			refuse(res, refusal, req.method === "HEAD");
		});
	});
}).listen(+port, "127.0.0.1", () => console.error(`listening on ${port}`));
