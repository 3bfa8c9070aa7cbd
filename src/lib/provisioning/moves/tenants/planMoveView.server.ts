import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { Isolation, SubscriptionChange } from '#prisma/generated/client.ts';
import {
	againstOrder,
	beginsWhen,
	growthOfChange,
	type InstanceGrowth
} from '../../planChanges.server.ts';
import type { StepProgress } from '../../progress.server.ts';
import { ownMigrations, type MigrationRow } from '../migrations.server.ts';
import type { TenantMoveRefusal } from './tenantMoveWords.ts';

/** What a change of plan means for an instance that must move for it, as it is shown before it is ordered. */
export interface PlanMoveView {
	tenantId: string;
	slug: string;
	fromIsolation: Isolation;
	toIsolation: Isolation;
	begins: 'now' | 'period_end';
	/** Nothing is copied: the container stays where it is. */
	inPlace: boolean;
	/** Expected time off the air, milliseconds, and whether that is a guess. */
	expectedMs: number;
	guessed: boolean;
	keepHours: number;
	stays: { suspended: boolean; readOnly: boolean };
	/** Without any of these it may be ordered. */
	against: TenantMoveRefusal[];
}

/** The moves that a change means while it can still be left alone. Needs the owner's role. */
export async function planMovesOf(tx: Tx, change: SubscriptionChange): Promise<PlanMoveView[]> {
	if (change.status !== 'previewed' && change.status !== 'scheduled') return [];
	const subscription = await tx.subscription.findUniqueOrThrow({
		where: { id: change.subscriptionId },
		select: { stripeSubscriptionId: true }
	});
	return planMoveViews(await growthOfChange(tx, change), beginsWhen(change, subscription));
}

export function planMoveViews(
	growth: InstanceGrowth[],
	begins: 'now' | 'period_end'
): PlanMoveView[] {
	return growth.flatMap(({ tenant, toIsolation, move }) => {
		if (!move) return [];
		const { inPlace, expectedMs, guessed, keepHours, stays } = move;
		return {
			...{ tenantId: tenant.id, slug: tenant.slug, fromIsolation: tenant.isolation, toIsolation },
			...{ begins, inPlace, expectedMs, guessed, keepHours, stays },
			against: againstOrder(move, begins)
		};
	});
}

/** A move for a plan as its customer sees it. */
export interface PlanMigration {
	slug: string;
	subscriptionId: string;
	migration: MigrationRow;
	/** Of its run; empty before it begins. */
	steps: StepProgress[];
}

/** So long an ended move is still news. */
const NEWS = 30 * DAY;
/** The same of one whose plan the subscription no longer has. */
const TAKEN_BACK_NEWS = 3 * DAY;

/**
 * The last move for a plan of each instance that a customer's subscriptions pay for: under way, planned, or news. Needs the
 * owner's role for the steps; the caller has proved whose they are.
 */
export async function planMigrations(tx: Tx, customerId: string): Promise<PlanMigration[]> {
	const tenants = await tx.tenant.findMany({
		where: {
			customerId,
			status: { notIn: ['deleted', 'refunded'] },
			subscriptionId: { not: null }
		},
		select: {
			id: true,
			slug: true,
			subscriptionId: true,
			subscription: { select: { planId: true } }
		}
	});
	const found: PlanMigration[] = [];
	for (const { id: tenantId, slug, subscriptionId, subscription } of tenants) {
		const rows = await ownMigrations(tx, { tenantId, customerId });
		const migration = rows.find(
			({ planId, status }) => planId && (status !== 'cancelled' || planId === subscription?.planId)
		);
		if (!migration || !subscriptionId) continue;
		const news = migration.planId === subscription?.planId ? NEWS : TAKEN_BACK_NEWS;
		if (migration.finishedAt && after(migration.finishedAt, news) < now()) continue;
		found.push({ slug, subscriptionId, migration, steps: await stepsOf(tx, migration.jobId) });
	}
	return found;
}

/** The moves that a change which is in force led to. Needs the owner's role. */
export async function migrationsOfChange(
	tx: Tx,
	change: SubscriptionChange
): Promise<PlanMigration[]> {
	if (change.status !== 'applied' || change.toPlanId === change.fromPlanId) return [];
	const found = await planMigrations(tx, change.customerId);
	return found.filter(
		({ subscriptionId, migration }) =>
			subscriptionId === change.subscriptionId &&
			migration.planId === change.toPlanId &&
			// What was held for an order that came to nothing may be older.
			(!migration.finishedAt || migration.finishedAt >= change.createdAt)
	);
}

async function stepsOf(tx: Tx, jobId: string | null): Promise<StepProgress[]> {
	if (!jobId) return [];
	const steps = await tx.provisioningStep.findMany({
		where: { jobId },
		orderBy: { position: 'asc' },
		select: { name: true, status: true, startedAt: true, finishedAt: true }
	});
	return steps.map(({ name, status, startedAt, finishedAt }) => ({
		name,
		status,
		seconds: startedAt && finishedAt ? (finishedAt.getTime() - startedAt.getTime()) / 1000 : null,
		usualSeconds: null,
		note: null
	}));
}
