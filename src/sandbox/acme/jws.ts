import { createHash, createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { isObject } from '../cloudflare/envelope.ts';

/** A signed request of RFC 8555, section 6.2, taken apart; its signature is not checked yet. */
export interface Jws {
	header: { alg: string; nonce: string; url: string; kid?: string; jwk?: JsonWebKey };
	/** Null: a read (POST-as-GET). */
	payload: Record<string, unknown> | null;
	signed: Buffer;
	signature: Buffer;
}

/** Null when the body is no flattened JWS. */
export function parseJws(body: Buffer): Jws | null {
	const outer = json(body.toString('utf8'));
	if (!isObject(outer)) return null;
	const { protected: head, payload, signature } = outer;
	if (typeof head !== 'string' || typeof payload !== 'string' || typeof signature !== 'string')
		return null;
	const header = json(Buffer.from(head, 'base64url').toString('utf8'));
	if (!isObject(header)) return null;
	const { alg, nonce, url, kid, jwk } = header;
	if (typeof alg !== 'string' || typeof nonce !== 'string' || typeof url !== 'string') return null;
	const content = payload === '' ? null : json(Buffer.from(payload, 'base64url').toString('utf8'));
	return {
		header: {
			...{ alg, nonce, url },
			...(typeof kid === 'string' ? { kid } : {}),
			...(isObject(jwk) ? { jwk: jwk as JsonWebKey } : {})
		},
		payload: isObject(content) ? content : null,
		signed: Buffer.from(`${head}.${payload}`),
		signature: Buffer.from(signature, 'base64url')
	};
}

/** Whether the owner of a key signed it (ES256 or RS256). */
export function isSignedBy({ header, signed, signature }: Jws, jwk: JsonWebKey): boolean {
	try {
		const key = createPublicKey({ key: jwk, format: 'jwk' });
		if (header.alg === 'ES256')
			return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
		return header.alg === 'RS256' && verify('sha256', signed, key, signature);
	} catch {
		// A key that is none signs nothing.
		return false;
	}
}

/** RFC 7638: what a key authorization ends in. */
export function thumbprint(jwk: JsonWebKey): string {
	const { kty, crv, x, y, e, n } = jwk;
	const members = kty === 'EC' ? { crv, kty, x, y } : { e, kty, n };
	return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

function json(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		// Not JSON: the caller refuses it.
		return null;
	}
}
