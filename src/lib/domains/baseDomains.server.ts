import type { Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';

/** The domain that a new tenant gets, with where it is published. */
export async function defaultBaseDomain(tx: Tx) {
	return tx.baseDomain.findFirstOrThrow({ where: { isDefault: true }, include: { tunnel: true } });
}

/**
 * Where people open a tenant. In the demo names of the sandbox's zone are in no public DNS, and a browser reaches its
 * edge as `<slug>.localhost`.
 */
export function publicUrl(slug: string, baseDomain: string): string {
	if (!env.EDGE_URL) return `https://${slug}.${baseDomain}`;
	const edge = new URL(env.EDGE_URL);
	edge.hostname = `${slug}.localhost`;
	return edge.origin;
}
