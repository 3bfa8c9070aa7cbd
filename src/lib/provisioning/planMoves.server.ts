import { after, DAY, HOUR, now } from '#lib/core/clock.server.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Isolation, Plan, Tenant, TenantMigration } from '#prisma/generated/client.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { openAlert } from '../notifications/alerts.server.ts';
import { setting } from '../settings/settings.server.ts';
import { againstMove } from './moves/migrationWords.ts';
import { moveFits } from './moves/tenants/moveFits.server.ts';
import { askForTenantMove, cancelTenantMove } from './moves/tenants/tenantMoves.server.ts';
import type { TenantMoveRefusal } from './moves/tenants/tenantMoveWords.ts';
import { tellPlanMove } from './planMoveNotices.server.ts';

/** The plan that is paid means another kind of place, and the instance cannot go there. */
export const CANNOT_RULE = 'provisioning.plan-is-a-move';
/** There is no room for the plan that is paid. */
export const ROOM_RULE = 'provisioning.plan-has-no-room';
/** The move for the plan that is paid was turned back. */
export const TURNED_RULE = 'provisioning.plan-move-failed';

/** How long after the order an instance may begin to move, when its customer chooses the time. */
const LATEST = 7 * DAY;

const OPEN = ['planned', 'running', 'confirming'] as const;
/** These end by themselves: the queue tries again. */
const PASSING: ReadonlySet<TenantMoveRefusal> = new Set(['no_room', 'busy', 'offline']);
/** These end with another move, whose end asks for the plan again. */
const ENDS_BY_ITSELF: ReadonlySet<TenantMoveRefusal> = new Set(['moving', 'kept', 'state', 'same']);

/** Whether going from one plan to the other means another kind of place. */
export function isMove(from: { isolation: Isolation }, to: { isolation: Isolation }): boolean {
	return from.isolation !== to.isolation;
}

/** @throws {AppError} BAD_INPUT beside `move_at` unless it is within the next seven days */
export function checkMoveTime(at: Date): void {
	if (at < now() || at > after(now(), LATEST))
		throw new AppError('BAD_INPUT', { fields: { move_at: m.plan_move_time_wrong() } });
}

type Moving = Pick<
	Tenant,
	| 'id'
	| 'slug'
	| 'customerId'
	| 'subscriptionId'
	| 'containerId'
	| 'isolation'
	| 'status'
	| 'readOnlyAt'
>;

/**
 * Takes an instance to the kind of place that its paid plan wants: the room that was held for it, or what is found now. One
 * that was turned back is staff's to try again; until when, and what then becomes of the money, is docs/decisions/034.
 * May run any number of times.
 * @throws {AppError} MOVE_REFUSED while something that passes speaks against it: the queue tries again
 */
export async function moveForPlan(tenant: Moving, plan: Plan): Promise<void> {
	const hours = await setting('provisioning.plan_move_retry_hours');
	const refusal = await transaction(async (tx) => {
		await lock(tx, `provisioning.apply-plan:${tenant.id}`);
		const open = await tx.tenantMigration.findFirst({
			where: { tenantId: tenant.id, status: { in: [...OPEN] } }
		});
		if (open) {
			const isHeld = open.status === 'planned' && !open.jobId && open.planId === plan.id;
			if (isHeld) await ask(tx, tenant, plan, open.notBefore);
			return null;
		}
		const turned = await turnedBack(tx, tenant, plan.id);
		if (turned) {
			await tellTurnedBack(tx, { tenant, plan, turned, hours });
			return null;
		}
		const { fits, reasons } = await moveFits(tx, tenant, plan);
		const [reason] = reasons;
		if (fits || !reason) await ask(tx, tenant, plan, null);
		else if (!ENDS_BY_ITSELF.has(reason)) await tellRefused(tx, tenant, plan, reason);
		return fits ? null : (reason ?? null);
	});
	if (refusal && PASSING.has(refusal))
		throw new AppError('MOVE_REFUSED', {
			params: { reason: againstMove(refusal) },
			detail: refusal
		});
}

function ask(tx: Tx, tenant: Moving, plan: Plan, notBefore: Date | null): Promise<TenantMigration> {
	const { isolation: toIsolation, id: planId } = plan;
	return askForTenantMove(tx, { tenantId: tenant.id, toIsolation, planId, notBefore }, SYSTEM);
}

/** The move for a plan that came to nothing after it was paid, if nothing was tried since. */
async function turnedBack(
	tx: Tx,
	tenant: Pick<Moving, 'id' | 'subscriptionId'>,
	planId: string
): Promise<TenantMigration | null> {
	const last = await tx.tenantMigration.findFirst({
		where: { tenantId: tenant.id, planId },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }]
	});
	if (last?.status === 'rolled_back') return last;
	if (last?.status !== 'cancelled') return null;
	// Room that was held for a payment that never came is no move.
	const paid = await paidChange(tx, tenant, planId);
	const wasPaid = paid?.settledAt && last.finishedAt && paid.settledAt <= last.finishedAt;
	return last.jobId || wasPaid ? last : null;
}

/** The change by which a subscription came to its plan at once, for more money; null when it came there otherwise. */
function paidChange(tx: Tx, { subscriptionId }: Pick<Moving, 'subscriptionId'>, planId: string) {
	if (!subscriptionId) return null;
	return tx.subscriptionChange.findFirst({
		where: { subscriptionId, toPlanId: planId, kind: 'upgrade', status: 'applied' },
		orderBy: { settledAt: 'desc' }
	});
}

async function tellTurnedBack(
	tx: Tx,
	about: { tenant: Moving; plan: Plan; turned: TenantMigration; hours: number }
): Promise<void> {
	const { tenant, plan, turned, hours } = about;
	const until = after(turned.finishedAt ?? now(), hours * HOUR);
	const isPaidMore = (await paidChange(tx, tenant, plan.id)) !== null;
	await openAlert(tx, {
		rule: TURNED_RULE,
		subjectType: 'tenant',
		subjectId: tenant.id,
		severity: 'critical',
		data: { slug: tenant.slug, plan: plan.name, ...(isPaidMore && { hours: String(hours) }) }
	});
	const isNews = await tellPlanMove(
		tx,
		{ tenant, plan, key: `plan-move:${turned.id}` },
		isPaidMore ? { what: 'turned_back', hours } : { what: 'waits' }
	);
	if (isNews && isPaidMore)
		await enqueue(
			tx,
			'provisioning.plan-move-back',
			{ migrationId: turned.id },
			{ startAfter: until }
		);
}

async function tellRefused(
	tx: Tx,
	tenant: Moving,
	plan: Plan,
	reason: TenantMoveRefusal
): Promise<void> {
	// A backup or a node that restarts is over before anybody could do anything.
	if (reason === 'busy' || reason === 'offline') return;
	await openAlert(tx, {
		rule: reason === 'no_room' ? ROOM_RULE : CANNOT_RULE,
		subjectType: 'tenant',
		subjectId: tenant.id,
		severity: 'critical',
		data: {
			...{ slug: tenant.slug, plan: plan.name },
			reason_es: againstMove(reason, { locale: 'es' }),
			reason_en: againstMove(reason, { locale: 'en' })
		}
	});
}

/**
 * Gives back the room that was held for a plan whose payment failed or was taken back. What is still being paid keeps it.
 * @param planId of the plan that the subscription has
 */
export async function giveUpUnpaid(
	tenant: Pick<Moving, 'id' | 'subscriptionId'>,
	planId: string
): Promise<void> {
	await transaction(async (tx) => {
		const held = await tx.tenantMigration.findFirst({
			where: { tenantId: tenant.id, status: 'planned', jobId: null, planId: { not: planId } }
		});
		if (!held?.planId || held.containerMoveId || !tenant.subscriptionId) return;
		const last = await tx.subscriptionChange.findFirst({
			where: { subscriptionId: tenant.subscriptionId, toPlanId: held.planId },
			orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
			select: { status: true, settledAt: true }
		});
		const cameToNothing = last?.status === 'refused' || last?.status === 'undone';
		// An older one says nothing about what is held now.
		if (cameToNothing && last.settledAt && last.settledAt >= held.createdAt)
			await cancelTenantMove(tx, held.id, SYSTEM);
	});
}

/** Gives back the room that is held for a plan and that no run has yet. */
export async function giveUpHeld(tx: Tx, tenantId: string, planId: string): Promise<void> {
	const held = await tx.tenantMigration.findFirst({
		where: { tenantId, status: 'planned', jobId: null, planId, containerMoveId: null }
	});
	if (held) await cancelTenantMove(tx, held.id, SYSTEM);
}

/** The change to take back for a move that was turned back and not tried again; null: nothing is to be taken back. */
export async function changeToTakeBack(migrationId: string) {
	const migration = await db.tenantMigration.findUnique({
		where: { id: migrationId },
		include: { tenant: { include: { subscription: { select: { planId: true } } } } }
	});
	if (!migration?.planId) return null;
	const { tenant, planId } = migration;
	if (tenant.subscription?.planId !== planId || tenant.planId === planId) return null;
	const turned = await turnedBack(db, tenant, planId);
	if (turned?.id !== migration.id) return null;
	const change = await paidChange(db, tenant, planId);
	if (!change) return null;
	return { tenant, change, plan: await db.plan.findUniqueOrThrow({ where: { id: planId } }) };
}
