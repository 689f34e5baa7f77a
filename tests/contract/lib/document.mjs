// openapi/openapi.yaml as the tests use it: its operations with every reference followed, and a validator for every
// schema in it.  Objects that list their members are closed: a reply with a member that the document does not
// name is at fault, as is a document that does not name it.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

// One step of a JSON pointer in a URI fragment.
const step = (key) => encodeURIComponent(String(key).replaceAll('~', '~0').replaceAll('/', '~1'));
const unstep = (part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');

function close(value, open = false) {
	if (Array.isArray(value)) return value.map((inner) => close(inner, open));
	if (value === null || typeof value !== 'object') return value;
	const copy = {};
	for (const [key, inner] of Object.entries(value)) copy[key] = close(inner, key === 'allOf');
	const listed = value.type === 'object' && value.properties && !('additionalProperties' in value);
	if (listed && !open) copy.additionalProperties = false;
	return copy;
}

export class Document {
	constructor(path) {
		this.root = parse(readFileSync(path, 'utf8'));
		this.ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
		addFormats(this.ajv);
		this.ajv.addSchema({ ...close(this.root), $id: 'openapi' });
		this.ajv.addSchema({ ...this.root, $id: 'requests' });
		this.operations = new Map();
		for (const [path_, item] of Object.entries(this.root.paths))
			for (const method of METHODS.filter((m) => item[m]))
				this.#add(method, path_, item, item[method]);
	}

	// What a pointer leads to, references followed: { pointer, value }.
	at(pointer) {
		let value = this.root;
		for (const part of pointer.split('/').slice(1)) value = value[unstep(part)];
		return value.$ref ? this.at(value.$ref.slice(1)) : { pointer, value };
	}

	#add(method, path, item, operation) {
		const base = `/paths/${step(path)}`;
		const lists = [
			[`${base}/parameters`, item.parameters],
			[`${base}/${method}/parameters`, operation.parameters],
		];
		const parameters = lists.flatMap(([at, list]) =>
			(list ?? []).map((_, i) => this.at(`${at}/${i}`).value),
		);
		const body = operation.requestBody ? this.at(`${base}/${method}/requestBody`) : null;
		this.operations.set(operation.operationId, {
			id: operation.operationId,
			method: method.toUpperCase(),
			path,
			parameters,
			bodies: body ? this.#content(body) : {},
			responses: this.#responses(`${base}/${method}/responses`, operation.responses),
			security: operation.security ?? this.root.security ?? [],
		});
	}

	#content({ pointer, value }) {
		const types = {};
		for (const [type, media] of Object.entries(value.content ?? {})) {
			const at = `${pointer}/content/${step(type)}`;
			const examples =
				media.example !== undefined
					? [media.example]
					: Object.keys(media.examples ?? {}).map(
							(name) => this.at(`${at}/examples/${step(name)}`).value.value,
						);
			types[type] = { schema: media.schema ? `${at}/schema` : null, examples };
		}
		return types;
	}

	#responses(base, responses) {
		const byStatus = new Map();
		for (const status of Object.keys(responses)) {
			const response = this.at(`${base}/${status}`);
			const headers = new Map();
			for (const name of Object.keys(response.value.headers ?? {})) {
				const header = this.at(`${response.pointer}/headers/${step(name)}`);
				headers.set(name, {
					required: header.value.required === true,
					schema: `${header.pointer}/schema`,
				});
			}
			byStatus.set(status, { headers, content: this.#content(response) });
		}
		return byStatus;
	}

	// Why the value does not fit the schema; [] when it does.
	faults(schema, value) {
		return this.#faults(`openapi#${schema}`, value);
	}

	// The same for what clients send, where objects are as open as the document says.
	requestFaults(schema, value) {
		return this.#faults(`requests#${schema}`, value);
	}

	#faults(uri, value) {
		const validate = this.ajv.getSchema(uri);
		if (validate(value)) return [];
		return validate.errors
			.slice(0, 4)
			.map((e) => `${e.instancePath || '/'} ${e.message} ${JSON.stringify(e.params).slice(0, 200)}`);
	}

	// The operation's path with its parameters: those given, else the examples of the document.
	path(operation, given = {}) {
		return operation.path.replace(/{(\w+)}/g, (_, name) => {
			const parameter = operation.parameters.find((p) => p.in === 'path' && p.name === name);
			const value = given[name] ?? parameter.example;
			if (value === undefined)
				throw new Error(`${operation.id}: no example for the parameter ${name}`);
			return value;
		});
	}
}
