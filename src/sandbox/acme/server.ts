import { randomBytes } from 'node:crypto';
import { isObject } from '../cloudflare/envelope.ts';
import {
	serveVendor,
	type Route,
	type SandboxRequest,
	type SandboxResponse
} from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { issue, newAuthority } from './authority.ts';
import { isSignedBy, parseJws, thumbprint, type Jws } from './jws.ts';
import {
	acmeDocument,
	type AccountState,
	type AuthzState,
	type OrderState,
	type Problem
} from './state.ts';
import { challengeBody, orderBody, problemBody } from './present.ts';
import { IDENTITY, validationProblem } from './validation.ts';

export interface AcmeStandIn {
	/** Address of the directory. */
	directory: string;
	close(): Promise<void>;
}

const USUAL_MS = 60;
const VALIDATION_MS = 1_500;
const HOUR_MS = 3_600_000;
/** As Let's Encrypt counts: per account and name in an hour. */
const MOST_FAILURES = 5;

class Refused extends Error {
	readonly problem: Problem;
	readonly headers: Record<string, string>;

	constructor(type: string, detail: string, status = 400, headers: Record<string, string> = {}) {
		super(detail);
		this.problem = { type, detail, status };
		this.headers = headers;
	}
}

/** Starts a certificate authority that speaks RFC 8555, with http-01. Faults are those of the target `acme`. */
export async function startAcme(
	kernel: Kernel,
	options: { port: number; edgeUrl: string }
): Promise<AcmeStandIn> {
	const document = acmeDocument(kernel);
	const nonces = new Set<string>();
	let base = '';
	const state = () => document.get();
	const fresh = () => {
		const nonce = randomBytes(16).toString('base64url');
		nonces.add(nonce);
		return nonce;
	};
	const answer = (
		status: number,
		body: object | string | null,
		headers: Record<string, string> = {}
	): SandboxResponse => ({
		status,
		headers: { 'replay-nonce': fresh(), 'cache-control': 'no-store', ...headers },
		body
	});
	const id = () => randomBytes(8).toString('hex');
	const later = (ms: number) => new Date(kernel.clock.nowMs() + ms).toISOString();

	/** Checks form, nonce, address and signature of a request. @throws {Refused} */
	const signed = (request: SandboxRequest): { jws: Jws; account: AccountState | null } => {
		const jws = parseJws(request.body);
		if (!jws) throw new Refused('malformed', 'Parse error reading JWS');
		if (!nonces.delete(jws.header.nonce))
			throw new Refused('badNonce', 'JWS has an invalid anti-replay nonce');
		if (jws.header.url !== `${base}${request.path}`)
			throw new Refused('unauthorized', 'JWS header parameter "url" incorrect', 403);
		const { kid, jwk } = jws.header;
		const account = kid
			? state().accounts.find((one) => `${base}/acct/${one.id}` === kid)
			: state().accounts.find((one) => jwk && thumbprint(one.jwk) === thumbprint(jwk));
		if (kid && !account) throw new Refused('accountDoesNotExist', `Account "${kid}" not found`);
		const key = account?.jwk ?? jwk;
		if (!key || !isSignedBy(jws, key)) throw new Refused('malformed', 'JWS verification error');
		return { jws, account: account ?? null };
	};
	const known = (request: SandboxRequest): { jws: Jws; account: AccountState } => {
		const { jws, account } = signed(request);
		if (!account || !jws.header.kid) throw new Refused('malformed', 'No Key ID in JWS header');
		return { jws, account };
	};
	const own = <T extends { id: string; accountId: string }>(
		list: T[],
		account: AccountState,
		wanted: string | undefined
	): T => {
		const found = list.find((one) => one.id === wanted && one.accountId === account.id);
		if (!found) throw new Refused('malformed', 'No such resource', 404);
		return found;
	};

	const newAccount = (request: SandboxRequest): SandboxResponse => {
		const { jws, account } = signed(request);
		const { jwk } = jws.header;
		if (account) {
			const location = `${base}/acct/${account.id}`;
			return answer(200, { status: 'valid', contact: account.contact }, { location });
		}
		if (jws.payload?.onlyReturnExisting === true)
			throw new Refused('accountDoesNotExist', 'No account exists with the provided key');
		if (!jwk || jws.payload?.termsOfServiceAgreed !== true)
			throw new Refused('malformed', 'must agree to terms of service');
		const contact = Array.isArray(jws.payload.contact) ? jws.payload.contact.map(String) : [];
		const made = { id: id(), jwk, contact };
		state().accounts.push(made);
		document.changed();
		return answer(201, { status: 'valid', contact }, { location: `${base}/acct/${made.id}` });
	};

	const updateAccount = (request: SandboxRequest): SandboxResponse => {
		const { jws, account } = known(request);
		if (Array.isArray(jws.payload?.contact)) account.contact = jws.payload.contact.map(String);
		document.changed();
		return answer(200, { status: 'valid', contact: account.contact });
	};

	const newOrder = (request: SandboxRequest): SandboxResponse => {
		const { jws, account } = known(request);
		const identifiers = Array.isArray(jws.payload?.identifiers) ? jws.payload.identifiers : [];
		const names = identifiers.flatMap((one) =>
			isObject(one) && one.type === 'dns' && typeof one.value === 'string' ? [one.value] : []
		);
		const bad = names.find((name) => !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(name));
		if (names.length === 0 || bad !== undefined)
			throw new Refused('rejectedIdentifier', `Invalid identifiers requested :: "${bad ?? ''}"`);
		for (const name of names) {
			const recent = state().failures.filter(
				(one) =>
					one.accountId === account.id &&
					one.name === name &&
					one.at > kernel.clock.nowMs() - HOUR_MS
			);
			if (recent.length < MOST_FAILURES) continue;
			const after = Math.ceil((recent[0]!.at + HOUR_MS - kernel.clock.nowMs()) / 1000);
			throw new Refused(
				'rateLimited',
				`too many failed authorizations (${MOST_FAILURES}) for "${name}" in the last 1h0m0s`,
				429,
				{ 'retry-after': String(after) }
			);
		}
		const expires = later(7 * 24 * HOUR_MS);
		const authzs = names.map((name): AuthzState => ({
			...{ id: id(), accountId: account.id, name, status: 'pending', expires },
			challenge: { token: randomBytes(24).toString('base64url'), status: 'pending' }
		}));
		const order: OrderState = {
			...{ id: id(), accountId: account.id, names, status: 'pending', expires },
			authzIds: authzs.map((one) => one.id)
		};
		state().authzs.push(...authzs);
		state().orders.push(order);
		document.changed();
		return answer(201, orderBody(base, order), { location: `${base}/order/${order.id}` });
	};

	const validate = async (account: AccountState, authz: AuthzState): Promise<void> => {
		await kernel.latency('acme', VALIDATION_MS);
		const problem = await validationProblem(kernel, options.edgeUrl, account, authz);
		const order = state().orders.find((one) => one.authzIds.includes(authz.id));
		authz.status = authz.challenge.status = problem ? 'invalid' : 'valid';
		authz.challenge.validated = new Date(kernel.clock.nowMs()).toISOString();
		if (problem) {
			authz.challenge.error = problem;
			state().failures.push({
				...{ accountId: account.id, name: authz.name, at: kernel.clock.nowMs() }
			});
			if (order) order.status = 'invalid';
		} else if (order?.status === 'pending') {
			const all = state().authzs.filter((one) => order.authzIds.includes(one.id));
			if (all.every(({ status }) => status === 'valid')) order.status = 'ready';
		}
		document.changed();
	};

	const challenge = (request: SandboxRequest, params: Record<string, string>): SandboxResponse => {
		const { jws, account } = known(request);
		const authz = own(state().authzs, account, params.id);
		if (jws.payload && authz.challenge.status === 'pending') {
			authz.challenge.status = 'processing';
			void validate(account, authz);
		}
		return answer(200, challengeBody(base, authz), {
			link: `<${base}/authz/${authz.id}>;rel="up"`
		});
	};

	const finalize = async (
		request: SandboxRequest,
		params: Record<string, string>
	): Promise<SandboxResponse> => {
		const { jws, account } = known(request);
		const order = own(state().orders, account, params.id);
		if (order.status !== 'ready')
			throw new Refused(
				'orderNotReady',
				`Order's status ("${order.status}") is not acceptable for finalization`,
				403
			);
		state().authority ??= await newAuthority(kernel.clock.nowMs());
		const from = kernel.clock.nowMs() - HOUR_MS;
		const chain = await issue(state().authority!, {
			csr: Buffer.from(String(jws.payload?.csr ?? ''), 'base64url'),
			names: order.names,
			notBefore: new Date(from),
			notAfter: new Date(from + state().days * 24 * HOUR_MS)
		});
		if (!chain)
			throw new Refused('badCSR', 'Error parsing certificate request, or it names other hosts');
		order.status = 'processing';
		document.changed();
		void kernel.latency('acme', VALIDATION_MS).then(() => {
			Object.assign(order, { status: 'valid', chain });
			document.changed();
		});
		return answer(200, orderBody(base, order), { location: `${base}/order/${order.id}` });
	};

	const routes: Route[] = [
		{
			method: 'GET',
			path: '/directory',
			run: () => ({
				status: 200,
				body: {
					...{ newNonce: `${base}/new-nonce`, newAccount: `${base}/new-account` },
					...{ newOrder: `${base}/new-order`, revokeCert: `${base}/revoke` },
					...{ keyChange: `${base}/key-change` },
					meta: { termsOfService: `${base}/terms`, caaIdentities: [IDENTITY] }
				}
			})
		},
		{ method: 'HEAD', path: '/new-nonce', run: () => answer(200, null) },
		{ method: 'GET', path: '/new-nonce', run: () => answer(204, null) },
		{ method: 'POST', path: '/new-account', run: newAccount },
		{ method: 'POST', path: '/acct/:id', run: updateAccount },
		{ method: 'POST', path: '/new-order', run: newOrder },
		{
			method: 'POST',
			path: '/order/:id',
			run: (request, params) => {
				const { account } = known(request);
				return answer(200, orderBody(base, own(state().orders, account, params.id)));
			}
		},
		{
			method: 'POST',
			path: '/authz/:id',
			run: (request, params) => {
				const authz = own(state().authzs, known(request).account, params.id);
				return answer(200, {
					...{ status: authz.status, expires: authz.expires },
					identifier: { type: 'dns', value: authz.name },
					challenges: [challengeBody(base, authz)]
				});
			}
		},
		{ method: 'POST', path: '/chall/:id', run: challenge },
		{ method: 'POST', path: '/finalize/:id', run: finalize },
		{
			method: 'POST',
			path: '/cert/:id',
			run: (request, params) => {
				const order = own(state().orders, known(request).account, params.id);
				if (!order.chain) throw new Refused('malformed', 'Certificate not found', 404);
				return answer(200, order.chain, { 'content-type': 'application/pem-certificate-chain' });
			}
		}
	];
	const server = await serveVendor(kernel, 'acme', routes, {
		...{ port: options.port, ms: USUAL_MS },
		notFound: () => refusal(new Refused('malformed', 'Page not found', 404)),
		onError: (error) =>
			refusal(error instanceof Refused ? error : new Refused('serverInternal', String(error), 500))
	});
	function refusal({ problem, headers }: Refused): SandboxResponse {
		const type = { 'content-type': 'application/problem+json' };
		return answer(problem.status ?? 400, problemBody(problem), { ...type, ...headers });
	}
	base = `http://127.0.0.1:${server.port}`;
	return { directory: `${base}/directory`, close: () => server.close() };
}
