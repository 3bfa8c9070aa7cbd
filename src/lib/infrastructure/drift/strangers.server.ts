import { z } from 'zod';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { closeDrift, ignoreDrift } from '#lib/logs/drifts.server.ts';
import { adoptGuest, ignoreGuest, readGuest } from '../containers/adoption.server.ts';

const STRANGER = 'infrastructure.stranger';
const named = z.object({ vmid: z.number().int(), hostname: z.string() });

/**
 * Takes the container that a difference is about into the books.
 * @throws {AppError} NOT_FOUND; WRONG_STATE when it is no open difference about a stranger; what `adoptGuest` throws
 * @throws {ProxmoxError}
 */
export async function adoptStranger(
	driftId: string,
	purpose: 'odoo' | 'postgres',
	by: Actor
): Promise<void> {
	const { clusterId, vmid, subjectId } = await strangerOf(db, driftId);
	const guest = await readGuest(clusterId, vmid);
	await transaction(async (tx) => {
		await adoptGuest(tx, guest, purpose, { by });
		await closeDrift(tx, { kind: STRANGER, subjectType: 'guest', subjectId }, 'repaired');
	});
}

/** Leaves a difference as it is; of a stranger, as of one that is none of ours, nothing is said any more. */
export async function leaveAlone(driftId: string, note: string, by: Actor): Promise<void> {
	const drift = await db.drift.findUnique({ where: { id: driftId }, select: { kind: true } });
	if (drift?.kind === STRANGER) {
		const { clusterId, vmid, hostname } = await strangerOf(db, driftId);
		await transaction((tx) => ignoreGuest(tx, { clusterId, vmid, hostname, note }, { by }));
	}
	await ignoreDrift(driftId, note, by);
}

async function strangerOf(tx: Tx, id: string) {
	const drift = await tx.drift.findUnique({ where: { id } });
	if (!drift) throw new AppError('NOT_FOUND');
	const [clusterId] = drift.subjectId.split('/');
	const known = named.safeParse(drift.theirs);
	if (drift.kind !== STRANGER || drift.closedAt || !clusterId || !known.success)
		throw new AppError('WRONG_STATE', {
			params: { from: drift.outcome ?? drift.kind, to: 'adopted' }
		});
	return { clusterId, subjectId: drift.subjectId, ...known.data };
}
