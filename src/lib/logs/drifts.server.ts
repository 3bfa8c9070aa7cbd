import { Prisma, type Drift, type ReconcileRun } from '#prisma/generated/client.ts';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { audit, type Actor } from './audit.server.ts';

/** Notes that a look begins. @param byLabel who asked; null for the clock */
export async function beginRun(area: string, byLabel: string | null): Promise<string> {
	return (await db.reconcileRun.create({ data: { area, byLabel } })).id;
}

/** What a look compared (how many of each), how many differences it found, and what it could not compare. */
export function endRun(
	id: string,
	result: { compared: Record<string, number>; found: number; errors: string[] }
): Promise<ReconcileRun> {
	const { compared, found, errors } = result;
	const error = errors.length > 0 ? errors.join('; ').slice(0, 1_000) : null;
	return transaction(async (tx) => {
		const run = await tx.reconcileRun.update({
			where: { id },
			data: { finishedAt: now(), compared, found, error }
		});
		await publish(tx, 'staff:drifts');
		return run;
	});
}

/** Something that two systems say differently, as a reconciler found it. */
export interface Found {
	/** `billing.invoice-differs`: the area that looks, and what it found. */
	kind: string;
	subjectType: string;
	/** Id of ours; the vendor's for what we do not know. */
	subjectId: string;
	customerId?: string | null;
	/** What each side says, only what differs; undefined for what a side does not have. */
	ours?: object;
	theirs?: object;
	/** Code of why it may have come about. */
	cause?: string;
}

/**
 * What the one-click repair of a kind does: `done` when it read back that both sides agree, `asked` when a job goes on
 * with it and the next look tells. It changes nothing that is right already, and may run any number of times.
 * @throws {AppError} BY_HAND when a person has to decide
 */
export type Repair = (drift: Drift, by: Actor) => Promise<'done' | 'asked'>;
const repairs = new Map<string, Repair>();

/** Declares the safe repair of a kind; a kind without one is for people. */
export function defineRepair(kind: string, run: Repair): void {
	repairs.set(kind, run);
}

export function hasRepair(kind: string): boolean {
	return repairs.has(kind);
}

/** Notes what was found: new ones open a row, known ones are seen again. @returns how many are new */
export async function noteDrifts(tx: Tx, found: Found[], at: Date): Promise<number> {
	let fresh = 0;
	for (const { kind, subjectType, subjectId, ...facts } of found) {
		const data = {
			customerId: facts.customerId ?? null,
			ours: facts.ours ?? Prisma.DbNull,
			theirs: facts.theirs ?? Prisma.DbNull,
			cause: facts.cause ?? null,
			lastSeenAt: at
		};
		const { count } = await tx.drift.updateMany({
			where: { kind, subjectType, subjectId, closedAt: null },
			data
		});
		if (count > 0) continue;
		await tx.drift.create({
			data: { ...data, kind, subjectType, subjectId, firstSeenAt: at }
		});
		fresh += 1;
	}
	if (found.length > 0) await publish(tx, 'staff:drifts');
	return fresh;
}

/** Closes what a whole look at these kinds did not see again. @param since when the look began */
export async function closeUnseen(tx: Tx, kinds: string[], since: Date): Promise<number> {
	const { count } = await tx.drift.updateMany({
		where: { kind: { in: kinds }, closedAt: null, lastSeenAt: { lt: since } },
		data: { closedAt: now(), outcome: 'gone' }
	});
	if (count > 0) await publish(tx, 'staff:drifts');
	return count;
}

/** Of these nothing can be said now: they stay open, whatever a look that is whole otherwise closes. @param at when it began */
export async function keepOpen(tx: Tx, ids: string[], at: Date): Promise<void> {
	await tx.drift.updateMany({
		where: { id: { in: ids }, closedAt: null, lastSeenAt: { lt: at } },
		data: { lastSeenAt: at }
	});
}

/** Closes what a job has put right, or has seen to be right. @returns false when none was open */
export async function closeDrift(
	tx: Tx,
	found: Pick<Found, 'kind' | 'subjectType' | 'subjectId'>,
	outcome: 'repaired' | 'gone'
): Promise<boolean> {
	const { kind, subjectType, subjectId } = found;
	const { count } = await tx.drift.updateMany({
		where: { kind, subjectType, subjectId, closedAt: null },
		data: { closedAt: now(), outcome, repairError: null }
	});
	if (count > 0) await publish(tx, 'staff:drifts');
	return count > 0;
}

/**
 * Repairs what was found. It is closed when the repair has seen both sides agree, else by the next look that does. What
 * goes wrong stays open with what was said.
 * @throws {AppError} NOT_FOUND; WRONG_STATE when it is closed or only people can repair it; BY_HAND; VENDOR_UNAVAILABLE
 */
export async function repairDrift(id: string, by: Actor): Promise<'done' | 'asked'> {
	const drift = await openDrift(id);
	const repair = repairs.get(drift.kind);
	if (!repair) throw new AppError('WRONG_STATE', { params: { from: drift.kind, to: 'repaired' } });
	await db.drift.update({
		where: { id },
		data: { repairAt: now(), repairBy: by.label, repairError: null }
	});
	let end: 'done' | 'asked';
	try {
		end = await repair(drift, by);
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		await db.drift.update({ where: { id }, data: { repairError: message.slice(0, 500) } });
		if (!(error instanceof VendorError)) throw error;
		throw new AppError('VENDOR_UNAVAILABLE', { params: { vendor: error.vendor }, cause: error });
	}
	if (end === 'done') await close(drift, 'repaired', by, null);
	return end;
}

/** Leaves it as it is, with the reason; a later look that finds it opens it anew only when it says something else. */
export async function ignoreDrift(id: string, note: string, by: Actor): Promise<void> {
	await close(await openDrift(id), 'ignored', by, note);
}

async function openDrift(id: string): Promise<Drift> {
	const drift = await db.drift.findUnique({ where: { id } });
	if (!drift) throw new AppError('NOT_FOUND');
	if (drift.closedAt)
		throw new AppError('WRONG_STATE', { params: { from: drift.outcome ?? '', to: 'repaired' } });
	return drift;
}

function close(
	drift: Drift,
	outcome: 'repaired' | 'ignored',
	by: Actor,
	note: string | null
): Promise<void> {
	return transaction(async (tx) => {
		await tx.drift.updateMany({
			where: { id: drift.id, closedAt: null },
			data: { closedAt: now(), outcome, note, repairError: null }
		});
		await audit(tx, {
			actor: by,
			action: outcome === 'repaired' ? 'logs.repair-drift' : 'logs.ignore-drift',
			subject: { type: 'drift', id: drift.id },
			customerId: drift.customerId,
			before: {
				kind: drift.kind,
				subject: drift.subjectId,
				ours: drift.ours,
				theirs: drift.theirs
			},
			after: { outcome, note }
		});
		await publish(tx, 'staff:drifts');
	});
}

/** True when exactly this was looked at by somebody who said that it stays. */
export async function isIgnored(tx: Tx, found: Found): Promise<boolean> {
	const last = await tx.drift.findFirst({
		where: {
			kind: found.kind,
			subjectType: found.subjectType,
			subjectId: found.subjectId,
			closedAt: { not: null }
		},
		orderBy: { closedAt: 'desc' },
		select: { outcome: true, ours: true, theirs: true }
	});
	return (
		last?.outcome === 'ignored' &&
		same(last.ours, found.ours ?? null) &&
		same(last.theirs, found.theirs ?? null)
	);
}

function same(stored: unknown, found: object | null): boolean {
	return JSON.stringify(sorted(stored)) === JSON.stringify(sorted(found));
}

function sorted(value: unknown): unknown {
	if (typeof value !== 'object' || value === null) return value ?? null;
	return Object.entries(value).toSorted(([a], [b]) => a.localeCompare(b));
}
