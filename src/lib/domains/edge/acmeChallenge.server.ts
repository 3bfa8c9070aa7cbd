import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';

/** What a certificate authority is to find at `/.well-known/acme-challenge/<token>`; null when nobody asked for it. */
export async function keyAuthorization(token: string): Promise<string | null> {
	// RFC 8555, section 8.3: base64url; nothing else is worth a look at the table.
	if (!/^[\w-]{16,128}$/.test(token)) return null;
	const row = await db.acmeChallenge.findUnique({ where: { token } });
	return row && row.expiresAt > now() ? row.keyAuthorization : null;
}
