import { AsyncLocalStorage } from 'node:async_hooks';
import acmeClient from 'acme-client';
import { z } from 'zod';
import type { CallRecorder } from '../record.ts';
import { AcmeError, type AcmeErrorKind } from './errors.ts';

export interface AcmeConfig {
	/** Of the authority: `https://acme-v02.api.letsencrypt.org/directory`. */
	directoryUrl: string;
	/** PEM of our account's key. */
	accountKey: string;
	/** Null until the account has been made. */
	accountUrl: string | null;
	/** Of one request; 20 seconds by default. */
	timeoutMs?: number;
}

/** RFC 8555, section 6.7. */
const problemSchema = z.object({ type: z.string().default(''), detail: z.string().default('') });
const TYPE = /^urn:ietf:params:acme:error:/;

const orderSchema = z.object({
	url: z.string(),
	status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
	identifiers: z.array(z.object({ type: z.string(), value: z.string() })),
	authorizations: z.array(z.string()),
	finalize: z.string(),
	certificate: z.string().optional(),
	error: problemSchema.optional()
});
export type AcmeOrder = z.infer<typeof orderSchema>;

const challengeSchema = z.object({
	type: z.string(),
	url: z.string(),
	status: z.enum(['pending', 'processing', 'valid', 'invalid']),
	token: z.string().optional(),
	error: problemSchema.optional()
});
const authorizationSchema = z.object({
	status: z.string(),
	identifier: z.object({ value: z.string() }),
	challenges: z.array(challengeSchema)
});

/** The proof over HTTP that an authorization asks for. */
export interface HttpChallenge {
	url: string;
	token: string;
	status: 'pending' | 'processing' | 'valid' | 'invalid';
	/** What `/.well-known/acme-challenge/<token>` has to answer. */
	keyAuthorization: string;
	/** Why the authority did not find it; type without its prefix. */
	error: { type: string; detail: string } | null;
}

/** What the last answer of a call was, as the library throws most of it away. */
interface Seen {
	timeoutMs: number;
	answer: { status: number; data: unknown; retryAfter: string | null } | null;
}
const seen = new AsyncLocalStorage<Seen>();

// The library waits as long as the authority says before it tries again, hours if need be: our queue does that better.
const settings: unknown = Reflect.get(acmeClient.axios.defaults, 'acmeSettings');
if (typeof settings === 'object' && settings !== null)
	Object.assign(settings, { retryMaxAttempts: 0 });
acmeClient.axios.interceptors.request.use((config) => {
	const store = seen.getStore();
	if (!store) return config;
	// A call is several requests: what counts is whether the last of them was answered.
	store.answer = null;
	return Object.assign(config, { timeout: store.timeoutMs });
});
acmeClient.axios.interceptors.response.use((response) => {
	const store = seen.getStore();
	const after: unknown = response.headers['retry-after'];
	if (store)
		store.answer = {
			...{ status: response.status, data: response.data },
			retryAfter: typeof after === 'string' ? after : null
		};
	return response;
});

/** Client of a certificate authority that speaks RFC 8555. @throws AcmeError from every function */
export function acme(config: AcmeConfig, record: CallRecorder) {
	const { directoryUrl, accountKey, accountUrl, timeoutMs = 20_000 } = config;
	const client = new acmeClient.Client({
		...{ directoryUrl, accountKey },
		...(accountUrl ? { accountUrl } : {})
	});
	const call = <T>(
		operation: string,
		changes: boolean,
		request: object,
		send: () => Promise<T>
	): Promise<T> =>
		record({ vendor: 'acme', operation, changes, request }, () =>
			seen.run({ timeoutMs, answer: null }, async () => {
				try {
					return await send();
				} catch (error) {
					throw errorOf(operation, changes, error);
				}
			})
		);
	const read = <T>(operation: string, schema: z.ZodType<T>, value: unknown): T => {
		const parsed = schema.safeParse(value);
		if (parsed.success) return parsed.data;
		throw new AcmeError({ operation, kind: 'malformed', message: 'not an answer of RFC 8555' });
	};
	const known = (url: string) => ({
		...{ url, status: 'pending' as const, identifiers: [], authorizations: [], finalize: '' }
	});

	return {
		/** Makes the account of our key, or finds it. @param email null: none is told */
		createAccount: (email: string | null): Promise<{ url: string }> =>
			call('account.create', true, { contact: email }, async () => {
				await client.createAccount({
					termsOfServiceAgreed: true,
					...(email ? { contact: [`mailto:${email}`] } : {})
				});
				return { url: client.getAccountUrl() };
			}),
		newOrder: (hostname: string): Promise<AcmeOrder> =>
			call('order.create', true, { hostname }, async () => {
				const identifiers = [{ type: 'dns', value: hostname }];
				return read('order.create', orderSchema, await client.createOrder({ identifiers }));
			}),
		order: (url: string): Promise<AcmeOrder> =>
			call('order.read', false, { url }, async () =>
				read('order.read', orderSchema, await client.getOrder(known(url)))
			),
		/** The proofs that an order waits for; one a name. */
		challenges: (order: AcmeOrder): Promise<HttpChallenge[]> =>
			call('challenges.read', false, { url: order.url }, async () => {
				const authorizations = read(
					'challenges.read',
					z.array(authorizationSchema),
					await client.getAuthorizations(order)
				);
				const found = authorizations.flatMap(({ challenges }) =>
					challenges.filter(({ type }) => type === 'http-01')
				);
				return Promise.all(
					found.map(async ({ url, status, token = '', error }) => ({
						...{ url, status, token },
						keyAuthorization: await client.getChallengeKeyAuthorization({
							...{ type: 'http-01', url, status, token }
						}),
						error: error ? { type: error.type.replace(TYPE, ''), detail: error.detail } : null
					}))
				);
			}),
		/** Says that the proof is there to be fetched. */
		answer: async ({ url, token, status }: HttpChallenge): Promise<void> => {
			await call('challenge.answer', true, { url }, () =>
				client.completeChallenge({ type: 'http-01', url, token, status })
			);
		},
		/** Asks for the certificate. @param csr PEM */
		finalize: async (order: AcmeOrder, csr: string): Promise<void> => {
			await call('order.finalize', true, { url: order.url }, async () => {
				await client.finalizeOrder(order, csr);
			});
		},
		/** The chain in PEM, leaf first. */
		certificate: (order: AcmeOrder): Promise<string> =>
			call('certificate.read', false, { url: order.url }, async () =>
				read(
					'certificate.read',
					z.string().includes('BEGIN CERTIFICATE'),
					await client.getCertificate(order)
				)
			)
	};
}

export type AcmeClient = ReturnType<typeof acme>;

/** PEM of a signing request for one name. @param key PEM of its private key */
export async function signingRequest(hostname: string, key: string): Promise<string> {
	const [, csr] = await acmeClient.crypto.createCsr({ altNames: [hostname] }, key);
	return csr.toString();
}

const directorySchema = z.object({
	meta: z.object({ caaIdentities: z.array(z.string()).default([]) }).default({ caaIdentities: [] })
});

/** How CAA records name an authority, from its directory. @throws {AcmeError} */
export async function caaIdentities(directoryUrl: string, timeoutMs = 5_000): Promise<string[]> {
	const operation = 'directory.read';
	try {
		const answer = await fetch(directoryUrl, { signal: AbortSignal.timeout(timeoutMs) });
		return directorySchema.parse(await answer.json()).meta.caaIdentities;
	} catch (cause) {
		throw new AcmeError({
			...{ operation, kind: 'away', retryable: true, cause },
			message: `no directory at ${directoryUrl}`
		});
	}
}

function errorOf(operation: string, changes: boolean, cause: unknown): AcmeError {
	if (cause instanceof AcmeError) return cause;
	const answer = seen.getStore()?.answer ?? null;
	const lost = { retryable: !changes, ambiguous: changes };
	if (!answer) {
		const message = 'the authority does not answer';
		return new AcmeError({ operation, kind: 'away', message, ...lost, cause });
	}
	const { status, data, retryAfter } = answer;
	const problem = problemSchema.safeParse(data);
	const type = problem.success ? problem.data.type.replace(TYPE, '') : '';
	const said = problem.success && problem.data.detail;
	const message = (said || (cause instanceof Error ? cause.message : String(cause))).slice(0, 500);
	const kind = kindOf(status, type);
	const common = { ...{ operation, message, status, kind, cause }, code: type || null };
	if (kind === 'rate_limited')
		return new AcmeError({ ...common, retryable: true, retryAt: timeOf(retryAfter) });
	return new AcmeError({ ...common, ...(kind === 'away' || kind === 'malformed' ? lost : {}) });
}

function kindOf(status: number, type: string): AcmeErrorKind {
	if (status === 429 || type === 'rateLimited') return 'rate_limited';
	if (status >= 500 || type === 'badNonce' || type === 'serverInternal') return 'away';
	if (status === 404 || status === 410 || type === 'accountDoesNotExist') return 'not_found';
	return type || status >= 400 ? 'refused' : 'malformed';
}

/** Retry-After is in seconds or a date. */
function timeOf(text: string | null): Date | null {
	if (!text) return null;
	const at = /^\d+$/.test(text) ? Date.now() + Number(text) * 1_000 : Date.parse(text);
	return Number.isNaN(at) ? null : new Date(at);
}
