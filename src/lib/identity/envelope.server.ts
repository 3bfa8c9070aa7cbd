import { randomUUID } from 'node:crypto';
import { type RequestEvent, isRedirect } from '@sveltejs/kit';
import { z } from 'zod';
import { isOverloaded } from '#lib/core/db.server.ts';
import { AppError, refusalIn } from '#lib/core/errors.ts';
import { log } from '#lib/core/log.server.ts';

export interface Page {
	/** Exact up to 10,000, then null. */
	total: number | null;
	/** Instead of `total` where counting would take too long. */
	total_estimate?: number;
	page: number;
	page_size: number;
	/** Cursor of the next page; null on the last. */
	next: string | null;
}

export interface Paged<Row> {
	paged: true;
	rows: Row[];
	page: Page;
}

/** What a handler may return: the data, a page of rows, or a response of its own. */
export type Answer<Data> = Data | Response | (Data extends (infer Row)[] ? Paged<Row> : never);

/** `{ success: true, data, meta? }`, with nothing in `data` that the schema does not name. */
export function respond(
	options: { response: z.ZodType; status?: number },
	answer: unknown
): Response {
	if (answer instanceof Response) return answer;
	const status = options.status ?? 200;
	if (status === 204) return new Response(null, { status });
	if (isPaged(answer)) {
		return Response.json(
			{ success: true, data: outgoing(options.response, answer.rows), meta: answer.page },
			{ status }
		);
	}
	return Response.json({ success: true, data: outgoing(options.response, answer) }, { status });
}

/** The refusal or failure in the envelope; of what has no name only an id, under which the log has the rest. */
export function failure(error: unknown, event: RequestEvent): Response {
	// A guard that redirects was asked about a page; nothing in the API does.
	if (isRedirect(error)) throw error;
	const refusal = refusalOf(error);
	const { requestId } = event.locals;
	if (refusal.status >= 500) {
		log.error(
			{ err: error, requestId, route: event.route.id, method: event.request.method },
			'request failed'
		);
	}
	const headers = new Headers();
	if (refusal.status === 503) headers.set('retry-after', refusal.code === 'BUSY' ? '5' : '60');
	if (refusal.code === 'RATE_LIMITED') headers.set('retry-after', String(refusal.params.seconds));
	if (refusal.status === 401) headers.set('www-authenticate', 'Bearer');
	return Response.json(
		{
			success: false,
			error: refusal.code,
			detail: refusal.sentence,
			fields: refusal.fields,
			request_id: requestId || randomUUID()
		},
		{ status: refusal.status, headers }
	);
}

function refusalOf(error: unknown): AppError {
	const code = isOverloaded(error) ? 'BUSY' : 'INTERNAL';
	return refusalIn(error) ?? new AppError(code, { cause: error });
}

function outgoing(schema: z.ZodType, data: unknown): unknown {
	const checked = schema.safeParse(data);
	if (checked.success) return checked.data;
	throw new Error(`the answer does not fit its schema: ${z.prettifyError(checked.error)}`);
}

function isPaged(answer: unknown): answer is Paged<unknown> {
	return typeof answer === 'object' && answer !== null && 'paged' in answer && 'rows' in answer;
}
