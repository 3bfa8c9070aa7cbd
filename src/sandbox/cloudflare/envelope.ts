import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';

export interface Problem {
	code: number;
	message: string;
	error_chain?: Problem[];
}

/** An answer of the API that is an error: status and what stands in `errors`. */
export class ApiError extends Error {
	readonly status: number;
	readonly problems: Problem[];
	readonly headers: Record<string, string>;

	constructor(
		status: number,
		code: number,
		message: string,
		more: { chain?: Problem[]; also?: Problem[]; headers?: Record<string, string> } = {}
	) {
		super(message);
		this.status = status;
		const first = more.chain ? { code, message, error_chain: more.chain } : { code, message };
		this.problems = [first, ...(more.also ?? [])];
		this.headers = more.headers ?? {};
	}
}

export interface ResultInfo {
	page: number;
	per_page: number;
	count: number;
	total_count: number;
	total_pages: number;
}

export function ok(result: unknown, resultInfo?: ResultInfo): SandboxResponse {
	const envelope = { success: true, errors: [], messages: [], result };
	return { status: 200, body: resultInfo ? { ...envelope, result_info: resultInfo } : envelope };
}

export function failed(error: unknown): SandboxResponse {
	if (error instanceof URIError)
		return failed(new ApiError(400, 7003, 'Could not route to that URI'));
	if (!(error instanceof ApiError)) {
		const message = error instanceof Error ? error.message : String(error);
		return failed(new ApiError(500, 10001, `The sandbox broke: ${message}`));
	}
	return {
		status: error.status,
		headers: error.headers,
		body: { success: false, errors: error.problems, messages: [], result: null }
	};
}

export function noRoute(request: SandboxRequest): ApiError {
	const path = request.path.replace(/^\/client\/v4/, '');
	return new ApiError(
		404,
		7003,
		`Could not route to ${path}, perhaps your object identifier is invalid?`,
		{ also: [{ code: 7000, message: 'No route for that URI' }] }
	);
}

/** One page of a list. `page` counts from 1; `per_page` above `most` is cut to it. */
export function paged(
	query: URLSearchParams,
	all: unknown[],
	{ usual, most }: { usual: number; most: number }
): SandboxResponse {
	const page = positive(query, 'page', 1);
	const per_page = Math.min(positive(query, 'per_page', usual), most);
	const result = all.slice((page - 1) * per_page, page * per_page);
	return ok(result, {
		page,
		per_page,
		count: result.length,
		total_count: all.length,
		total_pages: Math.ceil(all.length / per_page)
	});
}

function positive(query: URLSearchParams, name: string, usual: number): number {
	const text = query.get(name);
	if (text === null) return usual;
	if (!/^[1-9]\d{0,8}$/.test(text)) {
		throw new ApiError(400, 1006, `Invalid value for ${name}`);
	}
	return Number(text);
}

/** The request's JSON object. @throws ApiError 400/6007 as Cloudflare answers a body that is none */
export function jsonBody(request: SandboxRequest): Record<string, unknown> {
	try {
		const value: unknown = JSON.parse(request.body.toString('utf8'));
		if (isObject(value)) return value;
	} catch {
		// Falls through to the one answer for every body that is no object.
	}
	throw new ApiError(400, 6007, 'Malformed JSON in request body');
}

export function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Makes routes of the console under `base`; what they throw is answered like Cloudflare's own errors. */
export function controlRoute(base: string) {
	return (method: string, path: string, run: Route['run']): Route => ({
		method,
		path: `${base}${path}`,
		run: async (request, params): Promise<SandboxResponse> => {
			try {
				return await run(request, params);
			} catch (error) {
				return failed(error);
			}
		}
	});
}
