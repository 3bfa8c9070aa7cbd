import type { TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, buildConnector, fetch, type Response } from 'undici';
import { z } from 'zod';
import { guarded, type CallGuard, type Connection } from '../callGuard.ts';
import type { CallRecorder } from '../record.ts';
import { notPinned, UntrustedCertificate } from './certificatePin.ts';
import { ProxmoxError, kindOfText } from './errors.ts';
import type { Parameters } from './types.ts';

export interface ProxmoxConfig {
	/** `https://pve1.example.com:8006`, without `/api2/json`. */
	baseUrl: string;
	/** `user@realm!id=secret` */
	token: string;
	/** SHA-256 of the node's certificate, `AA:BB:…`; null trusts the system's authorities and nothing else. */
	fingerprint: string | null;
	/** Of one attempt, body included; 15 seconds by default. */
	timeoutMs?: number;
	/** How often a GET is tried where that may help; 3 by default. */
	attempts?: number;
	/** A breaker: with one, the first connection that fails ends a call. */
	guard?: CallGuard;
}

export interface Operation<T> {
	/** `lxc.clone` */
	operation: string;
	method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	/** Below `/api2/json`, its parts already encoded. */
	path: string;
	parameters?: Parameters;
	/** The mark that tells our own effect from another's. */
	key?: string;
	answer: z.ZodType<T>;
}

export interface Transport {
	/** A GET is tried again when that may help; anything else is sent once. @throws ProxmoxError */
	send<T>(operation: Operation<T>): Promise<T>;
}

const TIMEOUT_MS = 15_000;
const ATTEMPTS = 3;
const BACKOFF_MS = 200;
const SECRET = /password|secret|token|ticket|ssh-public-keys/i;
/** The connection never stood, so nothing was sent. */
const NOT_SENT = new Set([
	...[
		'ECONNREFUSED',
		'ENOTFOUND',
		'EAI_AGAIN',
		'ENETUNREACH',
		'EHOSTUNREACH',
		'UND_ERR_CONNECT_TIMEOUT'
	],
	...[
		'DEPTH_ZERO_SELF_SIGNED_CERT',
		'SELF_SIGNED_CERT_IN_CHAIN',
		'CERT_HAS_EXPIRED',
		'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
		'ERR_TLS_CERT_ALTNAME_INVALID'
	]
]);

export function connect(config: ProxmoxConfig, record: CallRecorder): Transport {
	const dispatcher = agentOf(config);
	const base = `${config.baseUrl.replace(/\/+$/, '')}/api2/json`;
	const timeoutMs = config.timeoutMs ?? TIMEOUT_MS;

	const once = async <T>(call: Operation<T>): Promise<T> => {
		const changes = call.method !== 'GET';
		try {
			const response = await fetch(`${base}${call.path}${query(call)}`, {
				method: call.method,
				dispatcher,
				headers: { authorization: `PVEAPIToken=${config.token}` },
				// A body on GET or DELETE is answered 501.
				...(call.method === 'POST' || call.method === 'PUT' ? { body: form(call.parameters) } : {}),
				signal: AbortSignal.timeout(timeoutMs)
			});
			const body = await response.text();
			if (response.status !== 200) throw answered(call.operation, changes, response, body);
			return z.object({ data: call.answer }).parse(JSON.parse(body)).data;
		} catch (error) {
			throw asProxmoxError(call.operation, changes, error);
		}
	};

	return {
		send: async <T>(call: Operation<T>) => {
			const { operation, key } = call;
			const message = await config.guard?.refusal();
			if (message)
				throw new ProxmoxError({ operation, kind: 'unreachable', message, retryable: true });
			const { method, path } = call;
			const request = { method, path, parameters: withoutSecrets(call.parameters) };
			const changes = method !== 'GET';
			return record({ vendor: 'proxmox', operation, key, request, changes }, async () => {
				for (let attempt = 1; ; attempt += 1) {
					try {
						return await guarded(config.guard, connectionOf, () => once(call));
					} catch (error) {
						const halted = config.guard && connectionOf(error) === 'unconnected';
						const again = !changes && !halted && error instanceof ProxmoxError && error.retryable;
						if (!again || attempt >= (config.attempts ?? ATTEMPTS)) throw error;
						await sleep(BACKOFF_MS * 2 ** (attempt - 1));
					}
				}
			});
		}
	};
}

function connectionOf(error: unknown): Connection {
	if (!(error instanceof ProxmoxError) || error.kind === 'lost') return 'unknown';
	return error.kind === 'unreachable' || error.kind === 'untrusted' ? 'unconnected' : 'answered';
}

const agents = new Map<string, Agent>();

/** One pool of connections per node and certificate, so that its next call needs no handshake; idle ones close themselves. */
function agentOf({ baseUrl, fingerprint }: ProxmoxConfig): Agent {
	const key = `${baseUrl} ${fingerprint}`;
	let agent = agents.get(key);
	if (!agent) {
		agent = new Agent({ connect: connector(fingerprint), connections: 16 });
		agents.set(key, agent);
	}
	return agent;
}

/**
 * Without a pin the system's authorities decide. With one, the certificate's digest decides alone, before the first
 * byte of a request; a resumed session would show no certificate, so none is kept.
 */
function connector(fingerprint: string | null): buildConnector.connector {
	if (fingerprint === null) return buildConnector({ timeout: 5000 });
	const dial = buildConnector({ timeout: 5000, rejectUnauthorized: false, maxCachedSessions: 0 });
	return (options, callback) => {
		dial(options, (...[error, socket]) => {
			if (error || !socket) {
				callback(error ?? new Error('no socket'), null);
				return;
			}
			const wrong = isTls(socket)
				? notPinned(socket, fingerprint)
				: new UntrustedCertificate('no certificate at all');
			if (!wrong) {
				callback(null, socket);
				return;
			}
			socket.destroy();
			callback(wrong, null);
		});
	};
}

function isTls(socket: object): socket is TLSSocket {
	return 'getPeerCertificate' in socket;
}

function query(call: { method: string; parameters?: Parameters }): string {
	if (call.method === 'POST' || call.method === 'PUT') return '';
	const text = form(call.parameters).toString();
	return text ? `?${text}` : '';
}

function form(parameters: Parameters = {}): URLSearchParams {
	const fields = new URLSearchParams();
	for (const [name, value] of Object.entries(parameters)) {
		if (value === undefined) continue;
		fields.set(name, typeof value === 'boolean' ? (value ? '1' : '0') : String(value));
	}
	return fields;
}

function withoutSecrets(parameters: Parameters = {}): Parameters {
	return Object.fromEntries(
		Object.entries(parameters).map(([name, value]) => [name, SECRET.test(name) ? '***' : value])
	);
}

const errorBody = z.looseObject({
	message: z.string().optional(),
	errors: z.record(z.string(), z.coerce.string()).optional()
});

/** An answer other than 200. Before 8.3 the text stands in the reason phrase alone. */
function answered(
	operation: string,
	changes: boolean,
	response: Response,
	body: string
): ProxmoxError {
	const { status } = response;
	let parsed: z.output<typeof errorBody> = {};
	let isJson = false;
	try {
		parsed = errorBody.parse(JSON.parse(body));
		isJson = true;
	} catch {
		// An empty or foreign body: the status and its reason are all there is.
	}
	const message = (parsed.message ?? response.statusText).trim().slice(0, 500) || `HTTP ${status}`;
	const failed = (details: Partial<ConstructorParameters<typeof ProxmoxError>[0]>) =>
		new ProxmoxError({
			operation,
			status,
			kind: 'vendor',
			message,
			fields: parsed.errors,
			...details
		});
	if (status === 400) {
		const taken = /already exists/i.test(Object.values(parsed.errors ?? {}).join(' '));
		const why = Object.entries(parsed.errors ?? {}).map(
			([field, problem]) => `${field}: ${problem}`
		);
		return failed({
			kind: taken ? 'exists' : 'invalid',
			message: why.join('; ').slice(0, 500) || message
		});
	}
	if (status === 401) return failed({ kind: 'unauthorized' });
	if (status === 403) return failed({ kind: 'forbidden' });
	if (status === 404) return failed({ kind: 'not_found' });
	// 595: the connection to the node was never made. 596 and above: it broke later, when the node may have acted.
	if (status === 595) return failed({ kind: 'node_unreachable', retryable: true });
	if (status > 595)
		return failed({ kind: 'node_unreachable', retryable: !changes, ambiguous: changes });
	// Only a method that died says why. Any other 5xx comes from in front of it, or from a broken worker.
	const died =
		status === 500 &&
		(isJson
			? parsed.message !== undefined
			: !/^(internal server error)?$/i.test(response.statusText));
	if (!died && status >= 500 && status !== 501)
		return failed({ retryable: !changes, ambiguous: changes });
	const kind = kindOfText(message);
	return failed({ kind, retryable: kind === 'locked' || kind === 'no_quorum' });
}

export function asProxmoxError(operation: string, changes: boolean, error: unknown): ProxmoxError {
	if (error instanceof ProxmoxError) return error;
	if (error instanceof z.ZodError || error instanceof SyntaxError) {
		const message = 'Proxmox answered what is not its API';
		return new ProxmoxError({
			operation,
			kind: 'malformed',
			message,
			retryable: !changes,
			ambiguous: changes,
			cause: error
		});
	}
	const chain = causesOf(error);
	if (chain.some((one) => one instanceof UntrustedCertificate)) {
		return new ProxmoxError({
			operation,
			kind: 'untrusted',
			message: 'The node shows another certificate than the pinned one',
			cause: error
		});
	}
	if (
		chain.some((one) => 'code' in one && typeof one.code === 'string' && NOT_SENT.has(one.code))
	) {
		return new ProxmoxError({
			operation,
			kind: 'unreachable',
			message: 'The node could not be reached',
			retryable: true,
			cause: error
		});
	}
	const late = chain.some((one) => one.name === 'TimeoutError' || one.name === 'AbortError');
	const message = late ? 'The node did not answer in time' : 'The connection to the node was lost';
	return new ProxmoxError({
		operation,
		kind: 'lost',
		message,
		retryable: !changes,
		ambiguous: changes,
		cause: error
	});
}

function causesOf(error: unknown): Error[] {
	const found: Error[] = [];
	const pending: unknown[] = [error];
	while (pending.length > 0 && found.length < 10) {
		const one = pending.shift();
		if (!(one instanceof Error)) continue;
		found.push(one);
		pending.push(one.cause, ...(one instanceof AggregateError ? one.errors : []));
	}
	return found;
}
