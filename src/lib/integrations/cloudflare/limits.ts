/** How much Cloudflare says is left of its own window, which everybody with the same token or user shares. */
export interface Left {
	/** Calls. */
	left: number;
	/** Until it counts from zero. */
	resetSeconds: number;
}

/** Of an answer's headers; null when they do not say. Documented as `Ratelimit: "default";r=1187;t=231`. */
export function leftThere(headers: Headers): Left | null {
	const value = headers.get('ratelimit') ?? '';
	const left = /;\s*r=(\d+)/.exec(value)?.[1];
	const reset = /;\s*t=(\d+)/.exec(value)?.[1];
	return left && reset ? { left: Number(left), resetSeconds: Number(reset) } : null;
}

/** How long an answer asks to wait, in seconds or until a date (RFC 9110 §10.2.3); null when it does not say. */
export function retryAfterMs(headers: Headers): number | null {
	const value = headers.get('retry-after')?.trim();
	if (!value) return null;
	if (/^\d+$/.test(value)) return Number(value) * 1000;
	const at = Date.parse(value);
	return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
