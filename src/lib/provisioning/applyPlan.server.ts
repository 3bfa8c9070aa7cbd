import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue, enqueueUnlessDue } from '#lib/core/queue.server.ts';
import type { Isolation, Plan, Prisma, Tenant, TenantStatus } from '#prisma/generated/client.ts';
import {
	applyLimits,
	growthOf,
	holdGrowth,
	promised
} from '../infrastructure/containers/growth.server.ts';
import type { Growth } from '../infrastructure/containers/growth.ts';
import type { Resources } from '../infrastructure/placement/placement.ts';
import { audit, SYSTEM, type Actor } from '../logs/audit.server.ts';
import { closeAlert, openAlert } from '../notifications/alerts.server.ts';
import { notify } from '../notifications/notifications.server.ts';
import { moveFits, type MoveFit, type MovingTenant } from './moves/tenants/moveFits.server.ts';
import { isOnItsWay } from './moves/onItsWay.server.ts';
import { holdTenantMove } from './moves/tenants/tenantMoves.server.ts';
import {
	CANNOT_RULE,
	giveUpUnpaid,
	isMove,
	moveForPlan,
	ROOM_RULE,
	TURNED_RULE
} from './planMoves.server.ts';
import { announce } from './tenantState.server.ts';

const LIVE: TenantStatus[] = ['active', 'degraded', 'suspended'];
/** Plans that a subscription may change to while one of them is being applied. */
const MOST_TURNS = 4;
/** How often a plan that waits for a move looks again: the end of the move asks for it besides. */
const LOOK_AGAIN = 5 * MINUTE;
/** Containers that were made ahead are gone within minutes: one that is still in the way of a plan then is stuck. */
const TOO_LONG = 30 * MINUTE;

type Sized = Pick<Plan, 'id' | 'cpuCores' | 'ramMb' | 'diskGb' | 'isolation'>;

/** What another plan means for an instance. */
export interface PlanGrowth {
	fits: boolean;
	/** It goes to another kind of place; null: it stays where it is. */
	move: MoveFit | null;
	/** Of an instance with a container of its own that stays; null: only its limits change. */
	container: Growth | null;
}

/**
 * Whether an instance can have another plan, where it is or elsewhere, explained; takes nothing. Ask before anything is charged.
 * @param tenant its container and isolation
 */
export async function growthFits(tx: Tx, tenant: MovingTenant, plan: Sized): Promise<PlanGrowth> {
	if (isMove(tenant, plan)) {
		const move = await fitsOrIsHeld(tx, tenant, plan);
		return { fits: move.fits, move, container: null };
	}
	const containerId = await sizedContainer(tx, tenant);
	if (!containerId) return { fits: true, move: null, container: null };
	const container = await growthOf(tx, containerId, sizeOf(plan));
	return { fits: container.fits, move: null, container };
}

/** What is held for the plan already takes the room that it needs, and does not speak against it. */
async function fitsOrIsHeld(tx: Tx, tenant: MovingTenant, plan: Sized): Promise<MoveFit> {
	const move = await moveFits(tx, tenant, plan);
	const held = await tx.tenantMigration.findFirst({
		where: { tenantId: tenant.id, status: 'planned', jobId: null, planId: plan.id },
		select: { id: true }
	});
	if (!held) return move;
	const reasons = move.reasons.filter((reason) => reason !== 'moving' && reason !== 'no_room');
	return { ...move, reasons, fits: reasons.length === 0 };
}

/** The container whose limits follow the plan; null: it is shared, or was there before us and keeps what it has. */
async function sizedContainer(
	tx: Tx,
	{ containerId, isolation }: { containerId: string | null; isolation: Isolation }
): Promise<string | null> {
	if (!containerId || isolation === 'shared') return null;
	const { adopted } = await tx.container.findUniqueOrThrow({
		where: { id: containerId },
		select: { adopted: true }
	});
	return adopted ? null : containerId;
}

/**
 * The same for who charges next: the room is held until the plan is applied, or until `provisioning.apply-plan` finds
 * that the subscription still has the old one and gives it back. Needs the owner's role.
 * @param move when one that goes elsewhere begins to move, and who wants it
 * @throws {AppError} MOVE_REFUSED, NO_ROOM_TO_GROW, IS_MOVING
 */
export async function holdRoom(
	tx: Tx,
	tenant: Tenant,
	plan: Sized,
	move: { notBefore: Date | null; by: Actor }
): Promise<void> {
	if (isMove(tenant, plan)) {
		const { notBefore, by } = move;
		const where = { toIsolation: plan.isolation, planId: plan.id, notBefore };
		await holdTenantMove(tx, { tenantId: tenant.id, ...where }, by);
		return;
	}
	const containerId = await sizedContainer(tx, tenant);
	if (!containerId) return;
	const against = againstGrowth(await holdGrowth(tx, containerId, sizeOf(plan)), 'now');
	if (against) throw against;
}

/**
 * What speaks against other limits for a container that stays; null: nothing.
 * Room that others' containers made ahead hold is as good as there: they go.
 * @param begins that it is moved passes, and does not speak against what begins later
 */
export function againstGrowth({ reasons }: Growth, begins: 'now' | 'period_end'): AppError | null {
	if (reasons.some(({ code }) => code !== 'moving' && code !== 'coming'))
		return new AppError('NO_ROOM_TO_GROW');
	const isMoving = reasons.some(({ code }) => code === 'moving');
	return isMoving && begins === 'now' ? new AppError('IS_MOVING') : null;
}

function sizeOf({ cpuCores, ramMb, diskGb }: Resources): Resources {
	return { cpuCores, ramMb, diskGb };
}

const include = {
	plan: true,
	subscription: { select: { plan: true } }
} satisfies Prisma.TenantInclude;
type Row = Prisma.TenantGetPayload<{ include: typeof include }>;

/**
 * Gives an instance what its subscription pays: another kind of place, where the plan wants one; cores, memory and disk of its
 * container, read back from Proxmox; and the plan's row, from which backups and limits are read. May run any number of
 * times; a plan that came meanwhile is next. While the instance is being moved its container is left alone, and the plan
 * waits for the end.
 * @throws {AppError} NO_ROOM_TO_GROW, MOVE_REFUSED: the queue tries again until there is room
 */
export async function applyPlan(tenantId: string, signal?: AbortSignal): Promise<void> {
	for (let turn = 0; turn < MOST_TURNS; turn++) {
		const tenant = await db.tenant.findUnique({ where: { id: tenantId }, include });
		if (!tenant?.subscription) return;
		if (tenant.status === 'migrating') return lookAgain(tenant);
		if (!LIVE.includes(tenant.status)) return;
		const { plan } = tenant.subscription;
		await giveUpUnpaid(tenant, plan.id);
		// Where staff put an instance that has its plan, it stays.
		if (tenant.planId !== plan.id && isMove(tenant, plan)) return moveForPlan(tenant, plan);
		const has = await giveResources(tenant, plan, signal);
		if (has === 'moving') return lookAgain(tenant);
		if (await settle(tenant, plan, has)) return;
	}
}

function lookAgain({ id }: Pick<Row, 'id'>): Promise<void> {
	const startAfter = after(now(), LOOK_AGAIN);
	return transaction((tx) =>
		enqueueUnlessDue(tx, 'provisioning.apply-plan', { tenantId: id }, { key: id, startAfter })
	);
}

/** @returns what its container has now; null where it has none of its own; `moving` when nothing was changed because of that */
async function giveResources(
	tenant: Row,
	plan: Plan,
	signal?: AbortSignal
): Promise<Resources | 'moving' | null> {
	const { customerId, id } = tenant;
	const containerId = await sizedContainer(db, tenant);
	if (!containerId) return null;
	if (await isOnItsWay(db, tenant)) return 'moving';
	const growth = await transaction(async (tx) => {
		const held = await holdGrowth(tx, containerId, sizeOf(plan));
		if (held.reasons.every(({ code }) => code === 'offline')) return held;
		if (held.reasons.some(({ code }) => code === 'moving')) return 'moving';
		// What was made ahead for others is going: there is room when the queue tries again, or somebody has to look.
		if (held.yields) await lookForLongWait(tx, id, plan.id);
		else await tellNoRoom(tx, tenant, plan);
		return null;
	});
	if (!growth) throw new AppError('NO_ROOM_TO_GROW', { detail: `${tenant.slug} waits for room` });
	if (growth === 'moving') return growth;
	const trace = { customerId, subjectId: id };
	return applyLimits(containerId, sizeOf(plan), trace, signal, promised(growth));
}

function tellNoRoom(tx: Tx, { id, slug }: Pick<Row, 'id' | 'slug'>, plan: Plan) {
	return openAlert(tx, {
		...{ rule: ROOM_RULE, subjectType: 'tenant', subjectId: id, severity: 'critical' },
		data: { slug, plan: plan.name }
	});
}

/** The first try that waits begins the time; the queue keeps one of a key. */
function lookForLongWait(tx: Tx, tenantId: string, planId: string): Promise<void> {
	const look = { key: `${tenantId} ${planId}`, startAfter: after(now(), TOO_LONG) };
	return enqueue(tx, 'provisioning.plan-waits', { tenantId, planId }, look);
}

/** Staff hear of a paid plan that has waited so long for room that others' containers were to make, and still does. */
export async function tellLongWait(tenantId: string, planId: string): Promise<void> {
	await transaction(async (tx) => {
		const tenant = await tx.tenant.findUnique({ where: { id: tenantId }, include });
		const plan = tenant?.subscription?.plan;
		if (!tenant || plan?.id !== planId || !LIVE.includes(tenant.status)) return;
		const containerId = isMove(tenant, plan) ? null : await sizedContainer(tx, tenant);
		if (!containerId) return;
		const { yields } = await growthOf(tx, containerId, sizeOf(plan));
		if (yields) await tellNoRoom(tx, tenant, plan);
	});
}

/** @returns false when the subscription has another plan meanwhile */
function settle(tenant: Row, plan: Plan, has: Resources | null): Promise<boolean> {
	return transaction(async (tx) => {
		await lock(tx, `provisioning.apply-plan:${tenant.id}`);
		const { planId, subscription } = await tx.tenant.findUniqueOrThrow({
			where: { id: tenant.id },
			select: { planId: true, subscription: { select: { planId: true } } }
		});
		if (subscription?.planId !== plan.id) return false;
		for (const rule of [CANNOT_RULE, ROOM_RULE, TURNED_RULE])
			await closeAlert(tx, { rule, subjectType: 'tenant', subjectId: tenant.id });
		// Another quantity may be all that is new: it includes more, or less.
		await enqueue(tx, 'provisioning.check-limits', { customerId: tenant.customerId });
		if (planId === plan.id) return true;
		await tx.tenant.updateMany({
			where: { id: tenant.id, customerId: tenant.customerId },
			data: { planId: plan.id, version: { increment: 1 } }
		});
		await audit(tx, {
			actor: SYSTEM,
			action: 'tenants.apply-plan',
			subject: { type: 'tenant', id: tenant.id },
			customerId: tenant.customerId,
			before: facts(tenant.plan, null),
			after: facts(plan, has)
		});
		await notify(tx, {
			customerId: tenant.customerId,
			kind: 'plan_applied',
			severity: 'success',
			data: { slug: tenant.slug, plan: plan.name },
			href: '/tenant/portal',
			dedupeKey: `plan:${tenant.id}:${plan.id}:${tenant.version}`
		});
		await announce(tx, tenant);
		return true;
	});
}

function facts(plan: Plan, has: Resources | null) {
	return {
		plan: plan.key,
		version: plan.version,
		backup_interval_hours: plan.backupIntervalHours,
		...(has && { cpu_cores: has.cpuCores, ram_mb: has.ramMb, disk_gb: has.diskGb })
	};
}

/** Instances that do not have the plan that is paid for, and whose job waits for nothing: it is asked for again. */
export async function sweepPlans(): Promise<void> {
	const rows = await db.$queryRaw<{ id: string }[]>`
		SELECT tenant.id FROM tenant_deployments tenant
		JOIN subscriptions subscription ON subscription.id = tenant.subscription_id
		WHERE tenant.status IN ('active', 'degraded', 'suspended') AND tenant.plan_id <> subscription.plan_id
			AND NOT EXISTS (SELECT 1 FROM pgboss.job
				WHERE name = 'provisioning.apply-plan' AND singleton_key = tenant.id::text AND state < 'active')`;
	for (const { id } of rows)
		await transaction((tx) =>
			enqueue(tx, 'provisioning.apply-plan', { tenantId: id }, { key: id })
		);
}
