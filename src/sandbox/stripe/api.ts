import { createHash } from 'node:crypto';
import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { StoreDocument } from '../kernel/store.ts';
import { ACCEPTED } from './accepted.ts';
import { API_VERSION, type Account } from './account.ts';
import { runDue } from './due.ts';
import { invalid, StripeError } from './errors.ts';
import { expand } from './expand.ts';
import { Form } from './form.ts';

export interface Call {
	account: Account;
	params: Form;
	/** Named parts of the path. */
	path: Record<string, string>;
}

/** One operation of the API. What it returns is the answer, references not yet expanded. */
export interface Operation {
	method: 'GET' | 'POST' | 'DELETE';
	path: string;
	/** Real-life milliseconds. */
	ms?: number;
	run: (call: Call) => object;
}

type Kept = { digest: string; status: number; body: string; request: string; at: number };
export type Replays = Record<string, Kept>;

const KEPT_SECONDS = 24 * 3600;
const USUAL_MS = 250;
const LOOK_EVERY_MS = 200;

/** Turns the operations into routes with idempotency, unknown-parameter checks and expansion. */
export function routes(
	account: Account,
	replays: StoreDocument<Replays>,
	operations: Operation[]
): Route[] {
	const running = new Set<string>();
	return operations.map((operation) => ({
		method: operation.method,
		path: operation.path,
		run: async (request, path) => {
			const id = account.id('req_', 14);
			try {
				return await answer(account, replays, running, operation, request, path, id);
			} catch (error) {
				if (error instanceof StripeError) return withHeaders(error.response(id), id);
				throw error;
			}
		}
	}));
}

async function answer(
	account: Account,
	replays: StoreDocument<Replays>,
	running: Set<string>,
	operation: Operation,
	request: SandboxRequest,
	path: Record<string, string>,
	id: string
): Promise<SandboxResponse> {
	const key = request.method === 'POST' ? (request.headers['idempotency-key'] ?? null) : null;
	if (key && key.length > 255) throw invalid('Idempotency keys are at most 255 characters.');
	const pairs = parametersOf(request);
	const digest = createHash('sha256')
		.update(JSON.stringify([request.method, request.path, pairs.toSorted()]))
		.digest('hex');
	if (key) {
		const kept = replays.get()[key];
		const fresh = kept && kept.at > account.kernel.clock.now() - KEPT_SECONDS;
		if (fresh && kept.digest !== digest) throw reused(key);
		if (fresh) return replayed(kept, id);
		if (running.has(key)) throw inUse(key);
		running.add(key);
	}
	try {
		await account.kernel.latency('stripe', operation.ms ?? USUAL_MS);
		const result = execute(account, operation, pairs, path, { id, idempotency_key: key });
		// Only what began to execute is kept: refused parameters may be corrected under the same key.
		if (key && (result.status === 200 || result.status === 402)) {
			keep(replays, key, {
				digest,
				status: result.status,
				body: JSON.stringify(result.body),
				request: id,
				at: account.kernel.clock.now()
			});
		}
		return withHeaders(result, id, key);
	} finally {
		if (key) running.delete(key);
	}
}

const ran = new WeakMap<Account, { real: number; offset: number }>();

/** What time has brought about shows before the call runs; looking once in a while is enough while time only flows. */
function keepUp(account: Account): void {
	const last = ran.get(account);
	const { offsetMs: offset } = account.kernel.clock;
	const real = Date.now();
	if (last && last.offset === offset && real - last.real < LOOK_EVERY_MS) return;
	ran.set(account, { real, offset });
	runDue(account);
}

function keep(replays: StoreDocument<Replays>, key: string, kept: Kept): void {
	const all = replays.get();
	all[key] = kept;
	for (const old of Object.keys(all)) {
		const tooOld = (all[old]?.at ?? 0) < kept.at - KEPT_SECONDS;
		if (!tooOld) break;
		delete all[old];
	}
	replays.changed();
}

function execute(
	account: Account,
	operation: Operation,
	pairs: [string, string][],
	path: Record<string, string>,
	request: { id: string; idempotency_key: string | null }
): SandboxResponse {
	const params = Form.parse(pairs);
	const accepted = ACCEPTED[`${operation.method} ${operation.path}`];
	if (accepted) params.only([...accepted, 'expand']);
	keepUp(account);
	account.request = request;
	try {
		const result = operation.run({ account, params, path });
		if (operation.method !== 'GET') account.changed();
		return { status: 200, body: expand(account, result, params.texts('expand') ?? []) };
	} catch (error) {
		if (error instanceof StripeError) return error.response(request.id);
		throw error;
	} finally {
		account.request = null;
	}
}

function parametersOf(request: SandboxRequest): [string, string][] {
	if (request.method === 'POST' && request.headers['content-type']?.includes('json')) {
		throw invalid(
			'Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.'
		);
	}
	const body = new URLSearchParams(request.body.toString('utf8'));
	return [...request.query, ...body];
}

function reused(key: string): StripeError {
	return new StripeError(
		400,
		'idempotency_error',
		`Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`
	);
}

function inUse(key: string): StripeError {
	return new StripeError(
		409,
		'idempotency_error',
		`There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
		{ code: 'idempotency_key_in_use' }
	);
}

function replayed(kept: Kept, id: string): SandboxResponse {
	return withHeaders(
		{
			status: kept.status,
			headers: { 'Idempotent-Replayed': 'true', 'Original-Request': kept.request },
			body: kept.body
		},
		id
	);
}

function withHeaders(response: SandboxResponse, id: string, key?: string | null): SandboxResponse {
	return {
		...response,
		headers: {
			'content-type': 'application/json',
			'Request-Id': id,
			'Stripe-Version': API_VERSION,
			...(key ? { 'Idempotency-Key': key, 'Original-Request': id } : {}),
			...response.headers
		}
	};
}
