import { createHash } from 'node:crypto';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { Tunnel } from '#prisma/generated/client.ts';
import type { IngressRule } from '../../integrations/cloudflare/types.ts';
import { audit, type Actor } from '../../logs/audit.server.ts';
import {
	closeDrift,
	defineRepair,
	isIgnored,
	noteDrifts,
	type Found
} from '../../logs/drifts.server.ts';
import { closeAlert, openAlert } from '../../notifications/alerts.server.ts';
import { derivedRules, foreignIn } from './derivedIngress.server.ts';
import { ingressText, sameIngress } from './ingress.ts';
import { diffIngress, type IngressDiff } from './ingressDiff.ts';
import { keptDiff, noteChange } from './tunnelLog.server.ts';

export const DRIFT_KIND = 'domains.ingress-differs';
/** Rules that a drift names; the log of the tunnel has them all. */
const NAMED = 20;

/** What a person decided about a document that somebody else had written. */
export interface RepairWish {
	foreign: 'keep' | 'remove';
	/** Hash of the document that the person saw: nothing else may be removed. */
	seen: string | null;
	by: string;
}

/** One value for all documents that route alike. */
export function documentHash(rules: IngressRule[] | null): string {
	return createHash('sha256')
		.update(ingressText(rules ?? []))
		.digest('hex');
}

/**
 * What somebody else has written into a tunnel: from what the rows derive to what stands there. Null when nobody has: it
 * is as we left it, or was never looked at before, or stands as a write of ours left it whose answer was lost.
 */
export async function writtenByOthers(
	tunnel: Tunnel,
	stands: IngressRule[] | null
): Promise<IngressDiff | null> {
	if (!tunnel.appliedHash || !tunnel.comparedAt) return null;
	if (documentHash(stands) === tunnel.appliedHash) return null;
	const derived = await derivedRules(db, tunnel.id);
	if (sameIngress(stands ?? [], derived)) return null;
	const lost = await db.vendorCall.findFirst({
		where: {
			...{ subjectId: tunnel.id, operation: { in: WRITES } },
			startedAt: { gte: tunnel.comparedAt }
		},
		select: { id: true }
	});
	if (lost && (await foreignIn(db, tunnel.id, stands ?? [])).length === 0) return null;
	return diffIngress(derived, stands ?? []);
}

/** Calls of ours that write a document. */
const WRITES = ['tunnels.configure', 'cloudflared.write', 'cloudflared.apply'];

/**
 * Notes what somebody else has written: a drift, a row of the tunnel's log, an alert. The same document again is no news.
 * @returns false when somebody said that exactly this stays as it is
 */
export async function noteOutside(
	tunnel: Tunnel,
	stands: { rules: IngressRule[] | null; version: number | null },
	diff: IngressDiff
): Promise<boolean> {
	const document = documentHash(stands.rules);
	const found: Found = {
		...{ kind: DRIFT_KIND, subjectType: 'tunnel', subjectId: tunnel.id },
		...sidesOf(diff)
	};
	return transaction(async (tx) => {
		if (await isIgnored(tx, found)) return false;
		const fresh = await noteDrifts(tx, [found], now());
		if (fresh > 0 || (await lastSeen(tx, tunnel.id)) !== document) {
			await noteChange(tx, {
				...{ tunnelId: tunnel.id, kind: 'drifted', remoteVersion: stands.version },
				diff: keptDiff(diff, document)
			});
		}
		const hurt = diff.removed.length + diff.changed.length;
		await openAlert(tx, {
			...{ rule: DRIFT_KIND, subjectType: 'tunnel', subjectId: tunnel.id },
			severity: hurt > 0 ? 'critical' : 'warning',
			data: { tunnel: tunnel.name, added: diff.added.length, hurt }
		});
		return true;
	});
}

/** Hash of the document of the last drift. */
export async function lastSeen(tx: Tx, tunnelId: string): Promise<string | null> {
	const [row] = await tx.$queryRaw<{ document: string | null }[]>`
		SELECT diff ->> 'document' AS document FROM tunnel_changes
		WHERE tunnel_id = ${tunnelId}::uuid AND kind = 'drifted' ORDER BY at DESC LIMIT 1`;
	return row?.document ?? null;
}

/** Both sides agree: the drift and its alert are over. */
export async function settleDrift(
	tx: Tx,
	tunnelId: string,
	outcome: 'repaired' | 'gone'
): Promise<void> {
	const subject = { subjectType: 'tunnel', subjectId: tunnelId };
	const closed = await closeDrift(tx, { kind: DRIFT_KIND, ...subject }, outcome);
	await closeAlert(tx, { rule: DRIFT_KIND, ...subject });
	if (closed) await publish(tx, 'staff:tunnels', tunnelId);
}

/**
 * Asks for a tunnel to be put right: our rules as the rows derive them, those of others kept as edge hosts or removed.
 * @param wish.seen hash of the document that was decided about; that of the last drift when it is not said
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE when the document has changed since it was seen
 */
export async function requestRepair(
	tx: Tx,
	tunnelId: string,
	wish: { foreign: 'keep' | 'remove'; seen?: string | undefined },
	by: Actor
): Promise<void> {
	const tunnel = await tx.tunnel.findFirst({ where: { id: tunnelId, deletedAt: null } });
	if (!tunnel) throw new AppError('NOT_FOUND');
	const last = await lastSeen(tx, tunnelId);
	const seen = wish.seen ?? last;
	if (wish.foreign === 'remove' && seen !== last) throw new AppError('CHANGED_MEANWHILE');
	const repair = { foreign: wish.foreign, seen, by: by.label };
	await enqueue(tx, 'tunnels.converge', { tunnelId, repair }, { key: tunnelId });
	await tx.drift.updateMany({
		where: { kind: DRIFT_KIND, subjectId: tunnelId, closedAt: null },
		data: { repairAt: now(), repairBy: by.label, repairError: null }
	});
	await audit(tx, {
		actor: by,
		action: 'domains.repair-tunnel',
		subject: { type: 'tunnel', id: tunnelId },
		after: { foreign: wish.foreign, document: seen }
	});
	await publish(tx, [`tunnel:${tunnelId}`, 'staff:tunnels'], tunnelId);
}

// The one click of the reconciliation page: what nobody may lose is kept.
defineRepair(DRIFT_KIND, async (drift) => {
	await transaction((tx) =>
		enqueue(
			tx,
			'tunnels.converge',
			{
				tunnelId: drift.subjectId,
				repair: { foreign: 'keep', seen: null, by: drift.repairBy ?? 'system' }
			},
			{ key: drift.subjectId }
		)
	);
	return 'asked';
});

/** Each rule that differs by its host and path, with where it leads on each side. */
function sidesOf({ added, removed, changed, moved }: IngressDiff): {
	ours: object;
	theirs: object;
} {
	const name = ({ hostname = '*', path }: IngressRule) => (path ? `${hostname} ${path}` : hostname);
	const ours = [...removed, ...changed.map(({ before }) => before)];
	const theirs = [...added, ...changed.map(({ after }) => after)];
	const sides = (rules: IngressRule[]) =>
		Object.fromEntries(rules.slice(0, NAMED).map((rule) => [name(rule), rule.service]));
	return { ours: sides(ours), theirs: { ...sides(theirs), ...(moved > 0 ? { moved } : {}) } };
}
