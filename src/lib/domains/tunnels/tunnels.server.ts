import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import type { Tunnel } from '#prisma/generated/client.ts';
import { setting } from '../../settings/settings.server.ts';
import { adoptForeign, derivedRules, ensureControlPlane } from './derivedIngress.server.ts';
import { sameIngress } from './ingress.ts';
import { diffIngress } from './ingressDiff.ts';
import { documentOf } from './ingressDocument.server.ts';
import {
	documentHash,
	noteOutside,
	type RepairWish,
	settleDrift,
	writtenByOthers
} from './tunnelDrift.server.ts';
import { keptDiff, type NewChange, noteChange } from './tunnelLog.server.ts';
import { isMade } from './tunnelRow.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'tunnels.converge': {
			tunnelId: string;
			/** Also when nothing new is wanted, for what others may have written: milliseconds since the epoch when that was asked. */
			look?: number | undefined;
			repair?: RepairWish | undefined;
		};
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
 * others have added meanwhile is adopted first, so that a whole-document write never erases it. What others have written
 * is noted, and left as it is while nothing else is wanted and only a person may repair.
 */
export async function converge(tunnelId: string, repair: RepairWish | null = null): Promise<void> {
	const tunnel = await db.tunnel.findUniqueOrThrow({ where: { id: tunnelId } });
	const waits = !repair && tunnel.appliedVersion >= tunnel.wantedVersion;
	try {
		const document = await documentOf(tunnel, waits ? 'sync' : 'user');
		let stands = await document.read();
		const outside = await writtenByOthers(tunnel, stands.rules);
		if (outside) {
			const counts = await noteOutside(tunnel, stands, outside);
			const mayNot =
				waits && (!counts || (await setting('cloudflare.tunnel_repair')) !== 'automatic');
			const unseen = repair?.foreign === 'remove' && repair.seen !== documentHash(stands.rules);
			if (mayNot || unseen) return await recordLooked(tunnelId, stands.version);
		}
		const changes: NewChange[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			if (round > 0) stands = await document.read();
			const version = await wantedVersion(db, tunnelId);
			const before = stands.rules ?? [];
			// What a person saw and wants removed is not adopted; what came after that is.
			const removes = repair?.foreign === 'remove' && repair.seen === documentHash(before);
			const adopted = removes ? [] : await adoptForeign(tunnelId, before);
			if (adopted.length > 0) {
				const added = before.filter(({ hostname = '*', path = null }) =>
					adopted.some((one) => one.hostname === hostname.toLowerCase() && one.path === path)
				);
				const diff = keptDiff({ added, removed: [], changed: [], moved: 0 });
				const by = repair?.by ?? null;
				const adoption = { tunnelId, kind: 'adopted', byLabel: by, diff } as const;
				await noteChange(db, { ...adoption, remoteVersion: stands.version });
			}
			await ensureControlPlane(db, tunnelId);
			const rules = await derivedRules(db, tunnelId);
			if (!sameIngress(before, rules)) {
				await document.write(rules);
				stands = await document.read();
				changes.push({
					...{ tunnelId, kind: outside ? 'repaired' : 'converged', byLabel: repair?.by ?? null },
					...{ remoteVersion: stands.version, diff: keptDiff(diffIngress(before, rules)) }
				});
			}
			if (!sameIngress(stands.rules ?? [], rules)) continue;
			const applied = { version, hash: documentHash(rules), remoteVersion: stands.version };
			if (await recordApplied(tunnelId, applied, changes.splice(0))) return;
		}
		throw new Error('another writer keeps changing the ingress document');
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		await db.tunnel.update({ where: { id: tunnelId }, data: { error: message } });
		throw error;
	}
}

/** A look that changed nothing, and may change nothing. */
async function recordLooked(tunnelId: string, remoteVersion: number | null): Promise<void> {
	await db.tunnel.update({
		where: { id: tunnelId },
		data: { comparedAt: now(), remoteVersion, error: null }
	});
}

/** False when more was wanted meanwhile: another round is due. */
async function recordApplied(
	tunnelId: string,
	applied: { version: number; hash: string; remoteVersion: number | null },
	changes: NewChange[]
): Promise<boolean> {
	const { version, hash, remoteVersion } = applied;
	return transaction(async (tx) => {
		// A worker that was given up for dead may come here late: what is applied never goes back.
		await tx.tunnel.updateMany({
			where: { id: tunnelId, appliedVersion: { lte: version } },
			data: {
				...{ appliedVersion: version, appliedHash: hash, remoteVersion },
				...(changes.length > 0 ? { appliedAt: now() } : {}),
				comparedAt: now(),
				error: null
			}
		});
		for (const change of changes) await noteChange(tx, change);
		const repaired = changes.some(({ kind }) => kind === 'repaired');
		await settleDrift(tx, tunnelId, repaired ? 'repaired' : 'gone');
		await publish(tx, `tunnel:${tunnelId}`, tunnelId);
		return (await wantedVersion(tx, tunnelId)) <= version;
	});
}

/** Whether a job still has something to do: twenty requests make twenty jobs, and the first one's write serves them all. */
function isDue(tunnel: Tunnel, look: number | undefined, repair: RepairWish | undefined): boolean {
	if (tunnel.deletedAt || !isMade(tunnel)) return false;
	if (repair || tunnel.appliedVersion < tunnel.wantedVersion) return true;
	return look !== undefined && (tunnel.comparedAt?.getTime() ?? 0) < look;
}

defineJob({
	name: 'tunnels.converge',
	payload: z.object({
		tunnelId: z.uuid(),
		look: z.number().optional(),
		repair: z
			.object({ foreign: z.enum(['keep', 'remove']), seen: z.string().nullable(), by: z.string() })
			.optional()
	}),
	run: async ({ tunnelId, look, repair }) => {
		const tunnel = await db.tunnel.findUnique({ where: { id: tunnelId } });
		if (tunnel && isDue(tunnel, look, repair)) await converge(tunnelId, repair);
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
		const tunnels = await db.tunnel.findMany({ where: { deletedAt: null }, select: { id: true } });
		const look = now().getTime();
		for (const { id } of tunnels)
			await enqueue(db, 'tunnels.converge', { tunnelId: id, look }, { key: id });
	},
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
