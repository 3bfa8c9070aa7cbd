import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';

/** Of two who want the same name at once, an instance and a host of ours, the second waits and sees the first. */
export async function lockName(tx: Tx, slug: string): Promise<void> {
	await lock(tx, `name:${slug}`);
}

/**
 * Whether a name is our own under any base domain, so that no instance may have it: what customers' CNAMEs point at, a
 * host of a tunnel that is no instance, the control plane itself. One slug is one name under all of them.
 */
export async function isPlatformName(tx: Tx, slug: string): Promise<boolean> {
	const domains = await tx.baseDomain.findMany({ select: { name: true, target: true } });
	const names = domains.map(({ name }) => `${slug}.${name}`);
	const targets = domains.map(({ target }) => target.toLowerCase());
	if (names.some((name) => targets.includes(name) || name === controlPlaneHost())) return true;
	const host = await tx.edgeHost.findFirst({
		where: { hostname: { in: names } },
		select: { id: true }
	});
	return host !== null;
}

/** The host under which the world reaches this application. */
export function controlPlaneHost(): string {
	return new URL(env.ORIGIN).hostname.toLowerCase();
}

/**
 * Whose a host already is, so that it can be none of ours; null when it is nobody's. Waits for who takes it just now.
 * @param newBase a domain that is about to become a base domain
 */
export async function hostHolder(
	tx: Tx,
	hostname: string,
	newBase?: string
): Promise<'instance' | 'customer' | null> {
	const domains = await tx.baseDomain.findMany({ select: { name: true } });
	const names = [...domains.map(({ name }) => name), ...(newBase ? [newBase] : [])];
	const base = names.find((name) => hostname.endsWith(`.${name}`));
	const slug = base && hostname.slice(0, -base.length - 1);
	if (slug && !slug.includes('.') && slug !== '*') {
		await lockName(tx, slug);
		const reserved = await tx.nameReservation.findFirst({
			where: { slug, OR: [{ expiresAt: null }, { expiresAt: { gt: now() } }] },
			select: { slug: true }
		});
		const tenant = await tx.tenant.findFirst({
			where: { slug, status: { notIn: ['deleted', 'refunded'] } },
			select: { id: true }
		});
		if (reserved || tenant) return 'instance';
	}
	const domain = await tx.customDomain.findFirst({
		where: { hostname, status: { not: 'removed' } },
		select: { id: true }
	});
	return domain ? 'customer' : null;
}
