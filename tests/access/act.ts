import type { Entry } from './entries.ts';
import { handle } from '../../src/hooks.server.ts';
import { answered, requestEvent } from './event.ts';
import { runOf } from './run.ts';

export interface Acted {
	status: number;
	location: string | null;
	/** What the action hands to its page. */
	data: { message?: string; errors?: Record<string, string>; values?: Record<string, string> };
	/** What an endpoint answers. */
	body: { error?: string; detail?: string; data?: Record<string, unknown> };
}

/** Does it as a browser or a client would, through the real hook, and keeps what the page would be given. */
export async function act(
	entry: Entry,
	sent: {
		params: Record<string, string>;
		cookie: string;
		fields?: Record<string, string>;
		search?: string;
		/** Loads of the layouts around it, outermost first: what `parent()` gives. */
		around?: Entry[];
	}
): Promise<Acted> {
	const run = await runOf(entry);
	const around = await Promise.all((sent.around ?? []).map(runOf));
	const isForm = entry.member.startsWith('actions');
	const event = requestEvent({
		routeId: entry.routeId,
		...{ params: sent.params, method: entry.method, cookie: sent.cookie },
		body: isForm ? new URLSearchParams(sent.fields) : JSON.stringify(sent.fields ?? {}),
		headers: isForm || entry.method === 'GET' ? {} : { 'content-type': 'application/json' }
	});
	event.url.search = sent.search ?? '';
	const parent = async () =>
		Object.assign({}, ...(await Promise.all(around.map((load) => load(event)))));
	Object.assign(event, { parent });
	let result: unknown;
	const response = await answered(() =>
		handle({
			event,
			resolve: (resolved) => answered(async () => (result = await run(resolved)))
		})
	);
	const isJson = response.headers.get('content-type')?.includes('json') ?? false;
	return {
		status: response.status,
		location: response.headers.get('location'),
		data: dataOf(result),
		body: isJson ? ((await response.json()) as Acted['body']) : {}
	};
}

/** `fail()` wraps what it is given. */
function dataOf(result: unknown): Acted['data'] {
	if (typeof result !== 'object' || result === null || result instanceof Response) return {};
	const inner: unknown = 'status' in result && 'data' in result ? result.data : result;
	return typeof inner === 'object' && inner !== null ? inner : {};
}
