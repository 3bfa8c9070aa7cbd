import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';
import { isPrivateAddress } from './private-address.server.ts';

/** What a certificate says, whoever signed it. */
export interface CertificateShown {
	/** The organisation that issued it, else the common name of the issuer. */
	issuer: string;
	/** The names that it is for. */
	names: string[];
	/** ISO time. */
	expiresAt: string;
	/** It is for this name and in force. */
	fits: boolean;
	/** Browsers would accept who signed it. */
	trusted: boolean;
}

/** What answers at port 443 of a name. */
export type HttpsLook =
	| {
			kind: 'answered';
			status: number;
			server: string | null;
			location: string | null;
			certificate: CertificateShown | null;
			address: string;
	  }
	| { kind: 'unreachable'; reason: string; certificate: CertificateShown | null };

export interface HttpsLookRequest {
	/** Where the name leads; the first three are tried in turn. */
	addresses: string[];
	/** `/` by default. */
	path?: string;
	/** Of all tries together; 2.5 seconds by default. */
	timeoutMs?: number;
	/** 443 by default. */
	port?: number;
}

export interface HttpsWay {
	allowPrivate: boolean;
	/** The sandbox's edge, which speaks plain HTTP for every name. */
	via?: { host: string; port: number };
}

const TIMEOUT_MS = 2500;
const MOST_ADDRESSES = 3;
const HTTPS = 443;
/** More headers than this are no answer; bodies are not read at all. */
const HEADER_BYTES = 16_384;

/**
 * Opens a name as a browser does, at these addresses with its SNI, and reports the certificate even when it does not
 * fit. Follows no redirect, reads no body.
 */
export async function lookAtHttps(
	name: string,
	request: HttpsLookRequest,
	way: HttpsWay
): Promise<HttpsLook> {
	const inside = way.allowPrivate ? undefined : request.addresses.find(isPrivateAddress);
	if (inside) return { kind: 'unreachable', reason: 'private_address', certificate: null };
	const deadline = Date.now() + (request.timeoutMs ?? TIMEOUT_MS);
	const path = request.path ?? '/';
	if (way.via) return plain(name, path, way.via, deadline - Date.now());
	let last: HttpsLook = { kind: 'unreachable', reason: 'no_address', certificate: null };
	const addresses = request.addresses.slice(0, MOST_ADDRESSES);
	for (const [index, address] of addresses.entries()) {
		// A silent address leaves the others their share.
		const share = (deadline - Date.now()) / (addresses.length - index);
		if (share <= 0) break;
		last = await secure(name, path, { address, port: request.port ?? HTTPS }, share);
		if (last.kind === 'answered' || last.certificate) break;
	}
	return last;
}

const headersOf = (name: string) => ({ host: name, 'user-agent': 'erp-core', accept: '*/*' });

function plain(
	name: string,
	path: string,
	via: { host: string; port: number },
	timeoutMs: number
): Promise<HttpsLook> {
	const signal = AbortSignal.timeout(Math.max(1, timeoutMs));
	const options = { ...via, path, headers: headersOf(name), agent: false, signal };
	return new Promise((resolve) => {
		httpRequest({ ...options, maxHeaderSize: HEADER_BYTES })
			.on('response', (incoming) => resolve(answered(incoming, null, via.host)))
			.on('error', (error) => resolve(failed(error, null)))
			.end();
	});
}

function secure(
	name: string,
	path: string,
	{ address, port }: { address: string; port: number },
	timeoutMs: number
): Promise<HttpsLook> {
	const signal = AbortSignal.timeout(Math.max(1, Math.round(timeoutMs)));
	return new Promise((resolve) => {
		let certificate: CertificateShown | null = null;
		const request = httpsRequest({
			host: address,
			port,
			path,
			servername: name,
			headers: headersOf(name),
			maxHeaderSize: HEADER_BYTES,
			// What does not fit is what we want to see; nothing of ours is sent.
			rejectUnauthorized: false,
			agent: false,
			signal
		});
		request
			.on('socket', (socket) => {
				socket.once('secureConnect', () => {
					certificate = isTls(socket) ? shown(socket, name) : null;
				});
			})
			.on('response', (incoming) => resolve(answered(incoming, certificate, address)))
			.on('error', (error) => resolve(failed(error, certificate)))
			.end();
	});
}

const isTls = (socket: object): socket is TLSSocket => 'getPeerCertificate' in socket;

function answered(
	incoming: IncomingMessage,
	certificate: CertificateShown | null,
	address: string
): HttpsLook {
	const { statusCode = 0, headers } = incoming;
	incoming.on('error', () => undefined).destroy();
	const server = first(headers.server) ?? null;
	const location = first(headers.location) ?? null;
	return { kind: 'answered', status: statusCode, server, location, certificate, address };
}

function shown(socket: TLSSocket, name: string): CertificateShown | null {
	const certificate: PeerCertificate = socket.getPeerCertificate();
	if (!certificate.valid_to) return null;
	const expires = new Date(certificate.valid_to);
	const names = (certificate.subjectaltname ?? '')
		.split(', ')
		.flatMap((entry) => (entry.startsWith('DNS:') ? [entry.slice(4)] : []));
	const now = Date.now();
	return {
		issuer: first(certificate.issuer.O) ?? first(certificate.issuer.CN) ?? '',
		names: names.length > 0 ? names : [first(certificate.subject.CN) ?? ''].filter(Boolean),
		expiresAt: expires.toISOString(),
		fits:
			checkServerIdentity(name, certificate) === undefined &&
			Date.parse(certificate.valid_from) <= now &&
			expires.getTime() > now,
		trusted: socket.authorized
	};
}

const first = (value: string | string[] | undefined): string | undefined =>
	Array.isArray(value) ? value[0] : value;

function failed(error: Error, certificate: CertificateShown | null): HttpsLook {
	const code = 'code' in error ? String(error.code) : '';
	const reason =
		error.name === 'AbortError' || error.name === 'TimeoutError' || code === 'ETIMEDOUT'
			? 'timeout'
			: ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code)
				? 'refused'
				: /SSL|TLS|EPROTO/.test(code)
					? 'tls'
					: 'lost';
	return { kind: 'unreachable', reason, certificate };
}
