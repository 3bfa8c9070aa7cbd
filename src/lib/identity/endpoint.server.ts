import type { RequestEvent, RequestHandler } from '@sveltejs/kit';
import { z } from 'zod';
import { AppError } from '#lib/core/errors.ts';
import type { PageMeta } from '#lib/core/paging.server.ts';
import { fieldSentences } from '#lib/core/validation.ts';
import type { Auth } from './auth.ts';
import { type Answer, type Paged, failure, respond } from './envelope.server.ts';
import {
	type Member,
	type Staff,
	requireCustomer,
	requireStaff,
	requireStepUp,
	requireUser
} from './guard.server.ts';
import { once } from './idempotency.server.ts';
import type { CustomerPermission, StaffPermission } from './permissions.ts';
import { type LimitState, takePoint } from './rateLimits.server.ts';
import { readJson } from './requestBody.server.ts';

/** Who may: a staff permission, a customer's, any logged-in person, or everybody (then the route is in publicRoutes.ts). */
export type EndpointPermission =
	StaffPermission | { customer: CustomerPermission } | 'user' | 'public';

export type ActorOf<P extends EndpointPermission> = P extends 'public'
	? Auth | null
	: P extends 'user'
		? Auth
		: P extends StaffPermission
			? Staff
			: Member;

export interface EndpointOptions<
	P extends EndpointPermission = EndpointPermission,
	Query extends z.ZodType = z.ZodType,
	Params extends z.ZodType = z.ZodType,
	Body extends z.ZodType = z.ZodType,
	Response extends z.ZodType = z.ZodType
> {
	/** One line of the API's documentation, in English. */
	summary: string;
	/** A literal: the access test reads it from the source. */
	permission: P;
	query?: Query;
	params?: Params;
	/** Of a JSON object of at most 64 KiB. */
	body?: Body;
	/** Of `data`; what it does not name does not leave. An array for `paged` answers. */
	response: Response;
	/** HTTP status of success; 200. */
	status?: number;
	/** Asks for password or second factor given within the last ten minutes. */
	stepUp?: boolean;
	/** POST only: false where the answer holds a secret, which must not be stored for a repeated Idempotency-Key. */
	idempotent?: boolean;
}

export interface EndpointInput<P extends EndpointPermission, Query, Params, Body> {
	actor: ActorOf<P>;
	query: Query;
	params: Params;
	body: Body;
	event: RequestEvent;
}

export type EndpointHandler = RequestHandler & { readonly endpoint: EndpointOptions };

/**
 * Makes a REST handler out of its description: checks who asks, parses, calls `run`, and answers in the envelope.
 * `run` returns the data, `paged(rows, page)` for a list, or a Response of its own (CSV, PDF).
 * The OpenAPI document is read from the description, which hangs on the handler as `endpoint`.
 */
export function endpoint<
	const P extends EndpointPermission,
	Response extends z.ZodType,
	Query extends z.ZodType = z.ZodUndefined,
	Params extends z.ZodType = z.ZodUndefined,
	Body extends z.ZodType = z.ZodUndefined
>(
	options: EndpointOptions<P, Query, Params, Body, Response>,
	run: (
		input: EndpointInput<P, z.output<Query>, z.output<Params>, z.output<Body>>
	) => Promise<Answer<z.input<Response>>> | Answer<z.input<Response>>
): EndpointHandler {
	const handler: RequestHandler = async (event) => {
		let limit: LimitState | undefined;
		try {
			const { auth } = event.locals;
			limit = await takePoint(
				auth ? 'api-actor' : 'api-address',
				auth ? actorKey(auth) : event.locals.ip
			);
			const actor = authorise(event, options.permission) as ActorOf<P>;
			if (options.stepUp) requireStepUp(event);
			const raw = options.body ? await readJson(event.request) : undefined;
			const input = {
				actor,
				event,
				...parseAll(options, event, raw)
			} as EndpointInput<P, z.output<Query>, z.output<Params>, z.output<Body>>;
			const answer = async () => respond(options, await run(input));
			const idempotent = event.request.method === 'POST' && options.idempotent !== false;
			const key = idempotent ? event.request.headers.get('idempotency-key') : null;
			const response = key
				? await once(
						{ key, actor: auth ? actorKey(auth) : `ip:${event.locals.ip}`, event, body: raw },
						answer
					)
				: await answer();
			return withLimit(response, limit);
		} catch (error) {
			return withLimit(failure(error, event), limit);
		}
	};
	return Object.assign(handler, { endpoint: options });
}

/** Rows of a list and where they stand in it, as `pageOfRows` says it. */
export function paged<Row>(rows: Row[], meta: PageMeta): Paged<Row> {
	const { total, totalEstimate, page, pageSize: page_size, next } = meta;
	const estimate = totalEstimate !== null && { total_estimate: totalEstimate };
	return { paged: true, rows, page: { total, ...estimate, page, page_size, next } };
}

/** Query of every list: `page` and `page_size` (at most 100), or the `cursor` that `meta.next` gave. */
export const pageQuery = z.object({
	page: z.coerce.number().int().min(1).default(1),
	page_size: z.coerce.number().int().min(1).max(100).default(25),
	cursor: z.string().max(200).optional()
});

function authorise(
	event: RequestEvent,
	permission: EndpointPermission
): Auth | Staff | Member | null {
	if (permission === 'public') return event.locals.auth;
	if (permission === 'user') return requireUser(event);
	if (typeof permission === 'object') return requireCustomer(event, permission.customer);
	return requireStaff(event, permission);
}

/** Parses all that is described before it refuses, so that one answer names every wrong field. */
function parseAll(
	options: EndpointOptions,
	event: RequestEvent,
	raw: unknown
): Record<string, unknown> {
	const given = {
		params: event.params,
		query: Object.fromEntries(event.url.searchParams),
		body: raw
	};
	const parsed: Record<string, unknown> = {};
	let fields: Record<string, string> = {};
	for (const part of ['params', 'query', 'body'] as const) {
		const schema = options[part];
		if (!schema) continue;
		const result = schema.safeParse(given[part]);
		if (result.success) parsed[part] = result.data;
		else if (part === 'params') throw new AppError('NOT_FOUND', { detail: 'no such id can exist' });
		else fields = { ...fields, ...fieldSentences(result.error) };
	}
	if (Object.keys(fields).length > 0) throw new AppError('BAD_INPUT', { fields });
	return parsed;
}

function actorKey(auth: Auth): string {
	if (auth.token) return `token:${auth.token.id}`;
	return `user:${auth.user.id}:${auth.customer?.id ?? 'staff'}`;
}

function withLimit(response: Response, limit: LimitState | undefined): Response {
	if (!limit) return response;
	response.headers.set('ratelimit-limit', String(limit.limit));
	response.headers.set('ratelimit-remaining', String(limit.remaining));
	response.headers.set('ratelimit-reset', String(limit.resetSeconds));
	return response;
}
