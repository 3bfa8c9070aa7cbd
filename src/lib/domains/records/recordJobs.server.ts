import { z } from 'zod';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { defineJob, enqueue } from '#lib/core/queue.server.ts';
import { defineRepair, type Repair } from '../../logs/drifts.server.ts';
import { askForChanges } from './recordChanges.server.ts';
import { lookAtRecords } from './records.server.ts';
import './applyRecordChanges.server.ts';
import '../base/basePrepare.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** `by`: who asked; the clock without. */
		'domains.look-at-records': { by?: string | undefined };
	}
}

defineJob({
	name: 'domains.look-at-records',
	payload: z.object({ by: z.string().optional() }),
	run: ({ by }) => lookAtRecords(by ?? null),
	schedule: { cron: '23 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

/** After so long what base domains need has been made, and does not count as missing. */
const AFTER_PREPARATION = 30;

/** Asks, as part of `tx`, for what a new installation waits for: the targets of its base domains, and a first look. */
export async function requestFirstLooks(tx: Tx): Promise<void> {
	const bases = await tx.baseDomain.findMany({ select: { zoneId: true, preparedAt: true } });
	if (bases.some(({ preparedAt }) => !preparedAt)) await enqueue(tx, 'domains.prepare-bases', {});
	const seen = await tx.zoneLook.count({
		where: { zoneId: { in: bases.map(({ zoneId }) => zoneId) }, lookedAt: { not: null } }
	});
	if (seen < new Set(bases.map(({ zoneId }) => zoneId)).size)
		await enqueue(tx, 'domains.look-at-records', {}, { startAfter: AFTER_PREPARATION });
}

/** Asks for what the page of the records would: the job looks again before it does anything. */
const askForChange: Repair = async (drift) => {
	const [name = '', type = ''] = drift.subjectId.split(' ');
	const record = await db.zoneRecord.findFirst({
		where: type ? { cloudflareId: null, name, type } : { cloudflareId: drift.subjectId },
		select: { id: true }
	});
	if (!record) throw new AppError('BY_HAND');
	const asked = await db.drift.findUnique({ where: { id: drift.id }, select: { repairBy: true } });
	const by = { kind: 'staff' as const, id: null, label: asked?.repairBy ?? 'system' };
	const { count } = await transaction((tx) => askForChanges(tx, [record.id], by));
	if (count === 0) throw new AppError('BY_HAND');
	return 'asked';
};
defineRepair('domains.record-orphan', askForChange);
defineRepair('domains.record-missing', askForChange);
defineRepair('domains.record-differs', askForChange);
