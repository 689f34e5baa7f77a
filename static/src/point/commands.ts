// What to type in a shell to have the same subnet.
import type { Resource, SubnetRequest } from '../types';

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

// One word of a POSIX shell, whatever is in it.
export const shellWord = (text: string) => (PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

// A file's name that needs no care, with the first digits of the package's id where it is known.
export function fileName(request: SubnetRequest, suffix: string, id?: string): string {
	const parts = [request.network ?? 'subnet', request.dtype ?? 'float32', ...(id ? [id.slice(0, 8)] : [])];
	return `${parts.join('-').replace(/[^A-Za-z0-9._-]/g, '_').replace(/^[.-]/, '_')}${suffix}`;
}

const joined = (lines: string[]) => lines.join(' \\\n  ');

export interface Place {
	url: string;      // of the server, without the slash at its end
	token: boolean;   // it asks for one
}

export function curlCommand({ url, token }: Place, request: SubnetRequest): string {
	return joined([
		`curl -fsS ${shellWord(`${url}/subnets`)}`,
		"-H 'Content-Type: application/json'",
		"-H 'Accept: application/vnd.ofa.subnet'",
		...(token ? ['-H "Authorization: Bearer $TOKEN"'] : []),
		`-d ${shellWord(JSON.stringify(request))}`,
		`-o ${fileName(request, '.ofa')}`,
	]);
}

export function pullCommand({ url, token }: Place, request: SubnetRequest): string {
	const limits = Object.entries(request.limits ?? {}) as [Resource, number][];
	return joined([
		`${token ? 'OFA_TOKEN="$TOKEN" ' : ''}ofa pull ${shellWord(url)}`,
		...(request.network ? [`--network ${shellWord(request.network)}`] : []),
		...(request.profile ? [`--profile ${shellWord(request.profile)}`] : []),
		...(request.dtype ? [`--dtype ${request.dtype}`] : []),
		...limits.map(([name, value]) => `--limit ${name}=${value}`),
		...(request.arch ? [`--arch ${shellWord(JSON.stringify(request.arch))}`] : []),
		`-o ${fileName(request, '.ofa')}`,
	]);
}
