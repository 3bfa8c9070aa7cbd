import { z } from 'zod';
import { lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import type { IngressRule } from '../../integrations/cloudflare/types.ts';
import { deriveIngress, foreignRules, type FixedHost } from './ingress.ts';
import { publishedHosts } from './publishedHosts.server.ts';

/** Rules that were adopted come after those that staff wrote. */
const ADOPTED_FROM = 1_000;

/** The document that the rows derive now. */
export async function derivedRules(tx: Tx, tunnelId: string): Promise<IngressRule[]> {
	const hosts = await tx.edgeHost.findMany({
		where: { tunnelId },
		orderBy: [{ position: 'asc' }, { hostname: 'asc' }, { path: { sort: 'desc', nulls: 'last' } }],
		select: { hostname: true, path: true, service: true, originRequest: true, adopted: true }
	});
	const published = await publishedHosts(tx, tunnelId);
	const ours = new Set(published.map(({ hostname }) => hostname));
	return deriveIngress(
		hosts
			// A name that has become a customer's is no longer what somebody else once wrote for it.
			.filter(({ adopted, hostname }) => !(adopted && ours.has(hostname)))
			.map(({ adopted: _, ...host }) => ({
				...host,
				originRequest: originOptions.parse(host.originRequest)
			})),
		published,
		appUrl()
	);
}

const originOptions = z.record(z.string(), z.unknown()).nullable();

/** Where a connector beside the control plane reaches it. */
export function appUrl(): string {
	return env.INTERNAL_URL ?? `http://127.0.0.1:${env.PORT}`;
}

/** What stands in a document and is not ours: neither a host of a tenant now nor one that ever was. */
export async function foreignIn(
	tx: Tx,
	tunnelId: string,
	current: IngressRule[]
): Promise<FixedHost[]> {
	const derived = await derivedRules(tx, tunnelId);
	const candidates = foreignRules(current, derived, () => false);
	if (candidates.length === 0) return [];
	const names = [...new Set(candidates.map(({ hostname }) => hostname))];
	const known = await tx.$queryRaw<{ hostname: string }[]>`
		SELECT seen.hostname FROM unnest(${names}::text[]) seen(hostname)
		WHERE EXISTS (
				SELECT 1 FROM tenant_deployments tenant JOIN base_domains base ON base.id = tenant.base_domain_id
				WHERE tenant.subdomain = split_part(seen.hostname, '.', 1)
					AND seen.hostname = tenant.subdomain || '.' || base.name)
			-- Whoever only claims a name has no say in what stands under it.
			OR EXISTS (
				SELECT 1 FROM custom_domains own
				WHERE own.external_domain = seen.hostname AND (own.published OR own.published_version IS NOT NULL))`;
	const once = new Set(known.map(({ hostname }) => hostname));
	const foreign = foreignRules(current, derived, (hostname) => once.has(hostname));
	// A host that staff took out stands there until the document without it is written: nobody else's.
	const leaving = await tx.$queryRaw<{ hostname: string; path: string | null }[]>`
		SELECT removal.hostname, removal.path
		FROM edge_host_removals removal JOIN tunnels tunnel ON tunnel.id = removal.tunnel_id
		WHERE tunnel.id = ${tunnelId}::uuid AND removal.version > tunnel.applied_version`;
	return foreign.filter(
		(rule) =>
			!leaving.some(({ hostname, path }) => hostname === rule.hostname && path === rule.path)
	);
}

/** Keeps the rules of others as rows, so that a whole-document write never erases them. @returns those that are new */
export async function adoptForeign(tunnelId: string, current: IngressRule[]): Promise<FixedHost[]> {
	return transaction(async (tx) => {
		// Two that find the same rule at once would otherwise both adopt it.
		await lock(tx, `tunnel:${tunnelId}`);
		const foreign = await foreignIn(tx, tunnelId, current);
		if (foreign.length === 0) return [];
		const adopted = await tx.edgeHost.count({ where: { tunnelId, adopted: true } });
		await tx.edgeHost.createMany({
			data: foreign.map((host, index) => ({
				...host,
				originRequest: (host.originRequest as Prisma.InputJsonObject | null) ?? Prisma.DbNull,
				tunnelId,
				adopted: true,
				position: ADOPTED_FROM + adopted + index
			}))
		});
		return foreign;
	});
}

/**
 * Makes sure that the control plane's own host is a row of the tunnel that its domain goes through: what is no row is no
 * rule. What leads there already, adopted or written by staff, stays as it is.
 */
export async function ensureControlPlane(tx: Tx, tunnelId: string): Promise<void> {
	const { hostname } = new URL(env.ORIGIN);
	const [base] = await tx.$queryRaw<{ id: string }[]>`
		SELECT id FROM base_domains WHERE tunnel_id = ${tunnelId}::uuid
			AND (${hostname} = name OR ${hostname} LIKE '%.' || name) LIMIT 1`;
	if (!base) return;
	const known = await tx.edgeHost.findFirst({ where: { hostname }, select: { id: true } });
	if (known) return;
	await tx.edgeHost.createMany({
		data: { tunnelId, hostname, service: appUrl() },
		skipDuplicates: true
	});
}
