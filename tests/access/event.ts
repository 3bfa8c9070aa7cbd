import type { Cookies, RequestEvent } from '@sveltejs/kit';
import { isHttpError, isRedirect } from '@sveltejs/kit';
import { AppError } from '#lib/core/errors.ts';

/** How a request asks: what the browser or the client would send. */
export interface Asked {
	routeId: string;
	params: Record<string, string>;
	method: string;
	/** `session=…`, or nothing. */
	cookie?: string | undefined;
	body?: URLSearchParams | string;
	headers?: Record<string, string>;
}

const ORIGIN = 'http://localhost:4443';

/** The event that SvelteKit would hand to `handle` for this request. */
export function requestEvent(asked: Asked): RequestEvent {
	const path = asked.routeId
		.replace(/\/\([^)]+\)/g, '')
		.replace(/\[+(?:\.\.\.)?(\w+)(?:=\w+)?\]+/g, (_, name: string) =>
			encodeURIComponent(asked.params[name] ?? '')
		);
	const url = new URL(path || '/', ORIGIN);
	const sends = asked.method !== 'GET' && asked.method !== 'HEAD';
	const headers = new Headers({ ...(sends && { origin: ORIGIN }), ...asked.headers });
	if (asked.cookie) headers.set('cookie', asked.cookie);
	const request = new Request(url, {
		method: asked.method,
		headers,
		...(sends && asked.body !== undefined && { body: asked.body })
	});
	const event = {
		request,
		url,
		params: asked.params,
		route: { id: asked.routeId },
		cookies: cookieJar(asked.cookie),
		// Filled by the hook.
		locals: {} as App.Locals,
		getClientAddress: () => '127.0.0.1',
		fetch: globalThis.fetch,
		setHeaders: () => undefined,
		platform: undefined,
		isDataRequest: false,
		isSubRequest: false,
		isRemoteRequest: false,
		// Of loads.
		parent: async () => ({}),
		depends: () => undefined,
		untrack: <T>(run: () => T) => run()
	};
	return event as unknown as RequestEvent;
}

function cookieJar(header: string | undefined): Cookies {
	const jar = new Map(
		(header ?? '').split('; ').flatMap((pair): [string, string][] => {
			const cut = pair.indexOf('=');
			return cut > 0 ? [[pair.slice(0, cut), pair.slice(cut + 1)]] : [];
		})
	);
	return {
		get: (name) => jar.get(name),
		getAll: () => [...jar].map(([name, value]) => ({ name, value })),
		set: (name, value) => void jar.set(name, value),
		delete: (name) => void jar.delete(name),
		serialize: () => ''
	};
}

/** What SvelteKit would answer: a thrown redirect, error or refusal is a response too. */
export async function answered(run: () => unknown): Promise<Response> {
	try {
		const result = await run();
		if (result instanceof Response) return result;
		const status = statusOf(result);
		return new Response(null, { status: status ?? 200 });
	} catch (thrown) {
		if (isRedirect(thrown))
			return new Response(null, { status: thrown.status, headers: { location: thrown.location } });
		if (isHttpError(thrown) || thrown instanceof AppError)
			return new Response(null, { status: thrown.status });
		throw thrown;
	}
}

/** Status of what `fail()` made. */
function statusOf(result: unknown): number | null {
	const failed =
		typeof result === 'object' && result !== null && 'status' in result && 'data' in result;
	return failed && typeof result.status === 'number' ? result.status : null;
}

/** 401, 403, 404, or on to a login. */
export function isRefusal(response: Response): boolean {
	if ([401, 403, 404].includes(response.status)) return true;
	return response.status === 303 && (response.headers.get('location') ?? '').startsWith('/login/');
}
