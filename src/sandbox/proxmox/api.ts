import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Cluster } from './cluster.ts';
import { CHANGE_MS, READ_MS } from './durations.ts';
import { PveError } from './errors.ts';
import { inputOf, verify, type Rules } from './parameters.ts';
import type { Caller } from './permissions.ts';
import { withoutQuorum } from './quorum.ts';

/** One call of the API, verified. */
export interface ApiCall {
	cluster: Cluster;
	/** The node that was asked; it may serve the call for another one. */
	local: string;
	caller: Caller;
	params: Record<string, string>;
	input: Record<string, string>;
}

export interface Operation {
	method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	/** Below `/api2/json`. */
	path: string;
	/** Parameters besides those of the path; absent: takes none. */
	rules?: Rules;
	/** Returns what stands under `data`, or a `Listing`. */
	run: (call: ApiCall) => unknown;
}

/** Data with the number of all rows beside it. */
export class Listing {
	readonly data: unknown[];
	readonly total: number;

	constructor(data: unknown[], total: number) {
		this.data = data;
		this.total = total;
	}
}

/** Routes of one node. `callerOf` gives whom the request's token proved. */
export function routesOf(
	cluster: Cluster,
	local: string,
	callerOf: (request: SandboxRequest) => Caller,
	operations: Operation[]
): Route[] {
	return operations.map((operation) => ({
		method: operation.method,
		path: `/api2/json${operation.path}`,
		ms: operation.method === 'GET' ? READ_MS : CHANGE_MS,
		run: async (request, params) => {
			// A node that is asked for another one passes the call on, so an unreachable one fails here.
			if (params.node !== undefined) cluster.node(params.node);
			const refusal = withoutQuorum(cluster, operation);
			if (refusal) throw refusal;
			const input = inputOf(request);
			verify(input, operation.rules ?? {});
			const caller = callerOf(request);
			const data = await operation.run({ cluster, local, caller, params, input });
			return data instanceof Listing
				? { status: 200, body: { data: data.data, total: data.total } }
				: { status: 200, body: { data: data ?? null } };
		}
	}));
}

/** pveproxy's answer for anything thrown. The connection closes after every error. */
export function failure(error: unknown): SandboxResponse {
	const headers = { connection: 'close', 'content-type': 'application/json;charset=UTF-8' };
	if (!(error instanceof PveError)) {
		const message = error instanceof Error ? error.message : String(error);
		return {
			status: 500,
			reason: oneLine(message),
			headers,
			body: { data: null, message: `${message}\n` }
		};
	}
	// 595 and above say that the request never reached a program that could answer.
	if (error.status >= 595)
		return { status: error.status, reason: error.message, headers, body: { data: null } };
	return {
		status: error.status,
		reason: oneLine(error.message),
		headers,
		body: {
			data: null,
			message: `${error.message}\n`,
			...(error.errors ? { errors: error.errors } : {})
		}
	};
}

/** A reason phrase holds no line break and no byte outside Latin-1. */
function oneLine(message: string): string {
	return message
		.replace(/[^\x20-\x7e]+/g, ' ')
		.trim()
		.slice(0, 400);
}
