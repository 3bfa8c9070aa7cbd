import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { ApiError } from './envelope.ts';
import { cloudflareDocument, type Scope, type Token } from './state.ts';

const tokens = new WeakMap<SandboxRequest, Token>();

/** Finds the request's token. @throws ApiError with the code that Cloudflare gives for each way to have none */
export function authenticate(kernel: Kernel, request: SandboxRequest): Token {
	const header = request.headers.authorization;
	if (!header) {
		if (request.headers['x-auth-key']) {
			const chain = [{ code: 6103, message: 'Invalid format for X-Auth-Key header' }];
			throw new ApiError(400, 6003, 'Invalid request headers', { chain });
		}
		const message = 'Missing X-Auth-Key, X-Auth-Email or Authorization headers';
		throw new ApiError(400, 9106, message);
	}
	const value = /^Bearer ([A-Za-z0-9_-]{40,80})$/i.exec(header)?.[1];
	if (!value) {
		const chain = [{ code: 6111, message: 'Invalid format for Authorization header' }];
		throw new ApiError(400, 6003, 'Invalid request headers', { chain });
	}
	const token = cloudflareDocument(kernel)
		.get()
		.tokens.find((known) => known.value === value);
	const verifying = request.path.endsWith('/tokens/verify');
	if (!token) throw verifying ? invalidToken() : refusedToken(request);
	if (!verifying && statusOf(kernel, token) !== 'active') throw refusedToken(request);
	tokens.set(request, token);
	return token;
}

export function invalidToken(): ApiError {
	return new ApiError(401, 1000, 'Invalid API Token');
}

function refusedToken(request: SandboxRequest): ApiError {
	return /^\/client\/v4\/zones(\/[^/]+)?$/.test(request.path)
		? new ApiError(403, 9109, 'Invalid access token')
		: new ApiError(403, 10000, 'Authentication error');
}

export function statusOf(kernel: Kernel, token: Token): Token['status'] {
	const expired = token.expires_on && Date.parse(token.expires_on) <= kernel.clock.nowMs();
	return token.status === 'active' && expired ? 'expired' : token.status;
}

export function tokenOf(request: SandboxRequest): Token {
	const token = tokens.get(request);
	if (!token) throw new Error('the request was not authenticated');
	return token;
}

/** A route that needs a permission of the token; `edit` includes `read`. */
export function route(
	method: string,
	path: string,
	scope: Scope | null,
	run: Route['run'],
	ms?: number
): Route {
	return {
		method,
		path: `/client/v4${path}`,
		ms,
		run: (request, params) => {
			const { scopes } = tokenOf(request);
			const edit = scope?.replace(':read', ':edit');
			if (scope && !scopes.some((held) => held === scope || held === edit)) {
				throw new ApiError(403, 10000, 'Authentication error');
			}
			return run(request, params);
		}
	};
}

interface Window {
	startMs: number;
	used: number;
	/** Over the limit once: everything is refused until then. */
	blockedUntilMs: number;
}

/** Cloudflare's limit per token: 1,200 calls in five minutes; over it, 429 to every call for the next five minutes. */
export class RateLimit {
	readonly #kernel: Kernel;
	readonly #windows = new Map<string, Window>();

	constructor(kernel: Kernel) {
		this.#kernel = kernel;
		kernel.onReset(() => this.#windows.clear());
	}

	/** Counts a call and says what its answer's headers are. @throws ApiError 429/971 over the limit, when enforced */
	count(token: Token): Record<string, string> {
		const { enforced, requests, window_seconds } = cloudflareDocument(this.#kernel).get()
			.rate_limit;
		const now = this.#kernel.clock.nowMs();
		const windowMs = window_seconds * 1000;
		let window = this.#windows.get(token.id);
		const isBlocked = enforced && window !== undefined && now < window.blockedUntilMs;
		if (!window || (now - window.startMs >= windowMs && !isBlocked)) {
			window = { startMs: now, used: 0, blockedUntilMs: 0 };
			this.#windows.set(token.id, window);
		}
		window.used += 1;
		if (enforced && !isBlocked && window.used > requests) window.blockedUntilMs = now + windowMs;
		const refused = enforced && now < window.blockedUntilMs;
		const endsMs = refused ? window.blockedUntilMs : window.startMs + windowMs;
		const left = refused ? 0 : Math.max(0, requests - window.used);
		const reset = Math.max(1, Math.ceil((endsMs - now) / 1000));
		const headers = {
			Ratelimit: `"default";r=${left};t=${reset}`,
			'Ratelimit-Policy': `"default";q=${requests};w=${window_seconds}`
		};
		if (refused) {
			throw new ApiError(429, 971, 'Please wait and consider throttling your request speed', {
				headers: { ...headers, 'Retry-After': String(reset) }
			});
		}
		return headers;
	}
}

export function withHeaders(
	response: SandboxResponse,
	headers: Record<string, string>
): SandboxResponse {
	return { ...response, headers: { ...headers, ...response.headers } };
}
