import { createHmac } from 'node:crypto';

/** Header of every delivery. */
export const SIGNATURE_HEADER = 'X-ERP-Signature';

/**
 * `t=1795334400,v1=5257a8…`: HMAC-SHA256 of `t.body` under the endpoint's secret, in hex, as Stripe signs its own. Who
 * receives it compares in constant time, and refuses a `t` that is more than five minutes old.
 * @param at when it is sent; each try is signed anew
 */
export function signatureOf(body: string, secret: string, at: Date): string {
	const t = Math.floor(at.getTime() / 1000);
	const v1 = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
	return `t=${t},v1=${v1}`;
}
