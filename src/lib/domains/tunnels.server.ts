import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { sha256 } from '#lib/core/crypto.server.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import type { IngressRule } from '../integrations/cloudflare/types.ts';
import { cloudflareClient } from '../settings/clients.server.ts';
import { deriveIngress, foreignRules, sameIngress } from './ingress.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** `look`: also when nothing new is wanted, for what others may have written. */
		'tunnels.converge': { tunnelId: string; look?: boolean | undefined };
		'tunnels.converge-all': Record<string, never>;
	}
}

/** Somebody else keeps writing the document: after this many rounds the queue tries again later. */
const ROUNDS = 10;

/**
 * Says, as part of `tx`, that what a tunnel's ingress derives from has changed.
 * @returns the version that must have been applied before the change can be seen from outside
 */
export async function requestConvergence(tx: Tx, tunnelId: string): Promise<number> {
	const tunnel = await tx.tunnel.update({
		where: { id: tunnelId },
		data: { wantedVersion: { increment: 1 } },
		select: { wantedVersion: true }
	});
	await enqueue(tx, 'tunnels.converge', { tunnelId }, { key: tunnelId });
	return tunnel.wantedVersion;
}

/** The version that holds all that has been asked for until now. */
export async function wantedVersion(tx: Tx, tunnelId: string): Promise<number> {
	const tunnel = await tx.tunnel.findUniqueOrThrow({
		where: { id: tunnelId },
		select: { wantedVersion: true }
	});
	return tunnel.wantedVersion;
}

export interface Convergence {
	applied: boolean;
	/** Why the last try failed; null when it did not. */
	error: string | null;
}

/** Whether a version (or a later one) has been written and read back. */
export async function convergence(tx: Tx, tunnelId: string, version: number): Promise<Convergence> {
	const tunnel = await tx.tunnel.findUniqueOrThrow({
		where: { id: tunnelId },
		select: { appliedVersion: true, error: true }
	});
	return { applied: tunnel.appliedVersion >= version, error: tunnel.error };
}

/**
 * Writes the ingress document that the database derives, reads it back, and repeats while somebody wants more:
 * any number of changes share one write. Cloudflare has no conditional write, so that the last writer wins; what
 * others have added meanwhile is adopted first, so that a whole-document write never erases it.
 */
export async function converge(tunnelId: string): Promise<void> {
	const tunnel = await db.tunnel.findUniqueOrThrow({ where: { id: tunnelId } });
	const client = await cloudflareClient({ subjectId: tunnelId });
	try {
		for (let round = 0; round < ROUNDS; round++) {
			const version = await wantedVersion(db, tunnelId);
			const before = (await client.tunnels.getConfiguration(tunnel.cloudflareId)).config;
			await adoptForeign(tunnelId, before?.ingress ?? []);
			const rules = await derivedRules(db, tunnelId);
			if (!sameIngress(before?.ingress ?? [], rules)) {
				await client.tunnels.putConfiguration(tunnel.cloudflareId, { ...before, ingress: rules });
			}
			const after = (await client.tunnels.getConfiguration(tunnel.cloudflareId)).config;
			if (!sameIngress(after?.ingress ?? [], rules)) continue;
			if (await recordApplied(tunnelId, version, rules)) return;
		}
		throw new Error('another writer keeps changing the ingress document');
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		await db.tunnel.update({ where: { id: tunnelId }, data: { error: message } });
		throw error;
	}
}

/** The document that the rows derive now. */
export async function derivedRules(tx: Tx, tunnelId: string): Promise<IngressRule[]> {
	const hosts = await tx.edgeHost.findMany({
		where: { tunnelId },
		orderBy: [{ position: 'asc' }, { hostname: 'asc' }, { path: { sort: 'desc', nulls: 'last' } }],
		select: { hostname: true, path: true, service: true, originRequest: true }
	});
	const tenants = await tx.tenant.findMany({
		where: { published: true, baseDomain: { tunnelId } },
		select: {
			slug: true,
			status: true,
			baseDomain: { select: { name: true } },
			container: { select: { ipAddress: true } }
		}
	});
	return deriveIngress(
		hosts.map((host) => ({ ...host, originRequest: originOptions.parse(host.originRequest) })),
		tenants.map((tenant) => ({
			hostname: `${tenant.slug}.${tenant.baseDomain.name}`,
			ipAddress: tenant.container?.ipAddress ?? null,
			suspended: tenant.status === 'suspended' || tenant.status === 'deleting'
		})),
		appUrl()
	);
}

const originOptions = z.record(z.string(), z.unknown()).nullable();

/** Where a connector beside the control plane reaches it. */
function appUrl(): string {
	return env.INTERNAL_URL ?? `http://127.0.0.1:${env.PORT}`;
}

/** Keeps as rows what stands in the document and is not ours: neither a tenant's host now nor one that ever was. */
async function adoptForeign(tunnelId: string, current: IngressRule[]): Promise<void> {
	await transaction(async (tx) => {
		// Two that find the same rule at once would otherwise both adopt it.
		await lock(tx, `tunnel:${tunnelId}`);
		const derived = await derivedRules(tx, tunnelId);
		const baseDomains = await tx.baseDomain.findMany({
			where: { tunnelId },
			select: { id: true, name: true }
		});
		const candidates = foreignRules(current, derived, () => false);
		const once = new Set<string>();
		for (const { id, name } of baseDomains) {
			const slugs = candidates
				.map(({ hostname }) => hostname)
				.filter((host) => host.endsWith(`.${name}`))
				.map((host) => host.slice(0, -name.length - 1));
			const tenants = await tx.tenant.findMany({
				where: { baseDomainId: id, slug: { in: slugs } },
				select: { slug: true }
			});
			for (const { slug } of tenants) once.add(`${slug}.${name}`);
		}
		const foreign = foreignRules(current, derived, (hostname) => once.has(hostname));
		if (foreign.length === 0) return;
		const adopted = await tx.edgeHost.count({ where: { tunnelId, adopted: true } });
		await tx.edgeHost.createMany({
			data: foreign.map((host, index) => ({
				...host,
				originRequest: (host.originRequest as Prisma.InputJsonObject | null) ?? Prisma.DbNull,
				tunnelId,
				adopted: true,
				position: 1000 + adopted + index
			}))
		});
	});
}

/** False when more was wanted meanwhile: another round is due. */
async function recordApplied(
	tunnelId: string,
	version: number,
	rules: IngressRule[]
): Promise<boolean> {
	return transaction(async (tx) => {
		// A worker that was given up for dead may come here late: what is applied never goes back.
		await tx.tunnel.updateMany({
			where: { id: tunnelId, appliedVersion: { lte: version } },
			data: {
				appliedVersion: version,
				appliedHash: sha256(JSON.stringify(rules)).toString('hex'),
				appliedAt: now(),
				error: null
			}
		});
		await publish(tx, `tunnel:${tunnelId}`, tunnelId);
		return (await wantedVersion(tx, tunnelId)) <= version;
	});
}

defineJob({
	name: 'tunnels.converge',
	payload: z.object({ tunnelId: z.uuid(), look: z.boolean().optional() }),
	run: async ({ tunnelId, look }) => {
		const tunnel = await db.tunnel.findUnique({
			where: { id: tunnelId },
			select: { wantedVersion: true, appliedVersion: true }
		});
		// Twenty requests make twenty jobs; the first one's write serves them all.
		if (tunnel && (look || tunnel.appliedVersion < tunnel.wantedVersion)) await converge(tunnelId);
	},
	concurrency: 2,
	pollSeconds: 1,
	queue: {
		...ONE_PER_KEY,
		heartbeatSeconds: 10,
		retryDelay: 1,
		retryDelayMax: 15
	}
});

defineJob({
	name: 'tunnels.converge-all',
	payload: z.object({}),
	run: async () => {
		// Through the same queue as the rest: of one tunnel there is one writer at a time.
		const tunnels = await db.tunnel.findMany({ select: { id: true } });
		for (const { id } of tunnels)
			await enqueue(db, 'tunnels.converge', { tunnelId: id, look: true }, { key: id });
	},
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
