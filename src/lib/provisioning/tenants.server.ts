import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { compensateSaga, retrySaga, startSaga, wakeSaga } from '#lib/core/saga.server.ts';
import type { SuspensionReason, Tenant, TenantStatus } from '#prisma/generated/client.ts';
import { audit, type Actor } from '../logs/audit.server.ts';
import { setting } from '../settings/settings.server.ts';
import { createTenantSaga } from './createTenant.server.ts';
import { deleteTenantSaga } from './deleteTenant.server.ts';
import { announce, republish, transition } from './tenantState.server.ts';
import { isSuspended } from './tenantStates.ts';
import { HAS_TURN, SINCE, TURN } from './turns.server.ts';

/** Starts setting a requested tenant up. @returns the id of the run */
export async function provision(tx: Tx, tenant: Tenant, signupId: string | null): Promise<string> {
	await tx.tenant.update({
		where: { id: tenant.id },
		data: { queuedAt: tenant.queuedAt ?? now() }
	});
	return startSaga(tx, createTenantSaga, {
		subjectId: tenant.id,
		customerId: tenant.customerId,
		state: { signupId }
	});
}

/**
 * Takes a tenant off the air: its host answers 503 with a page that says why. Exactly reversible.
 * @throws {AppError} WRONG_STATE, CHANGED_MEANWHILE
 */
export async function suspend(
	tx: Tx,
	tenant: Tenant,
	act: { reason: SuspensionReason; by: Actor }
): Promise<void> {
	if (tenant.status === 'migrating') {
		if (isSuspended(tenant)) return;
		await comesBackAs(tx, tenant, 'suspended', act.reason);
	} else {
		await transition(tx, tenant, 'suspended', {
			suspensionReason: act.reason,
			previousStatus: tenant.status
		});
		await republish(tx, tenant);
	}
	await audit(tx, {
		actor: act.by,
		action: 'tenants.suspend',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId,
		before: { status: tenant.status },
		after: { status: 'suspended', reason: act.reason }
	});
}

/** Nobody comes to it while it is being moved: what it is afterwards is all that changes. @throws {AppError} CHANGED_MEANWHILE */
async function comesBackAs(
	tx: Tx,
	tenant: Tenant,
	to: 'active' | 'suspended',
	suspensionReason: SuspensionReason | null
): Promise<void> {
	const { count } = await tx.tenant.updateMany({
		where: { id: tenant.id, customerId: tenant.customerId, status: 'migrating' },
		data: { previousStatus: to, suspensionReason, version: { increment: 1 } }
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	await announce(tx, tenant);
}

/** Puts a suspended tenant back on the air. @throws {AppError} WRONG_STATE, CHANGED_MEANWHILE */
export async function reactivate(tx: Tx, tenant: Tenant, act: { by: Actor }): Promise<void> {
	if (!isSuspended(tenant))
		throw new AppError('WRONG_STATE', { params: { from: tenant.status, to: 'active' } });
	if (tenant.status === 'migrating') await comesBackAs(tx, tenant, 'active', null);
	else {
		await transition(tx, tenant, 'active', {
			suspensionReason: null,
			previousStatus: null,
			probeMisses: 0
		});
		await republish(tx, tenant);
	}
	await audit(tx, {
		actor: act.by,
		action: 'tenants.reactivate',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId,
		before: { status: tenant.status },
		after: { status: 'active' }
	});
}

/**
 * Asks for a tenant's deletion: off the air now, gone after the days of grace, undoable until then.
 * @throws {AppError} WRONG_STATE, CHANGED_MEANWHILE, ALREADY_RUNNING while it is being set up
 */
export async function requestDeletion(tx: Tx, tenant: Tenant, act: { by: Actor }): Promise<void> {
	const days = await setting('provisioning.delete_grace_days');
	const deleteAfter = after(now(), days * DAY);
	await transition(tx, tenant, 'deleting', { deleteAfter, previousStatus: tenant.status });
	await republish(tx, tenant);
	await startSaga(tx, deleteTenantSaga, {
		subjectId: tenant.id,
		customerId: tenant.customerId,
		state: {}
	});
	await audit(tx, {
		actor: act.by,
		action: 'tenants.delete',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId,
		before: { status: tenant.status },
		after: { status: 'deleting', delete_after: deleteAfter.toISOString() }
	});
}

/** States that a deletion may be taken back to; from the others there is nothing to go back to. */
const RESTORABLE = new Set<TenantStatus>(['active', 'degraded', 'suspended']);

/** Takes a deletion back within its days of grace. @throws {AppError} WRONG_STATE when it has begun */
export async function undoDeletion(tx: Tx, tenant: Tenant, act: { by: Actor }): Promise<void> {
	const back = tenant.previousStatus;
	if (!back || !RESTORABLE.has(back))
		throw new AppError('WRONG_STATE', { params: { from: tenant.status, to: back ?? 'active' } });
	// The run waits for the end of the grace; once it works there is no way back.
	const { count } = await tx.provisioningJob.updateMany({
		where: {
			subjectId: tenant.id,
			saga: deleteTenantSaga.name,
			status: { in: ['queued', 'waiting'] }
		},
		data: { status: 'compensated', finishedAt: now(), claim: { increment: 1 } }
	});
	if (count === 0) throw new AppError('WRONG_STATE', { params: { from: 'deleting', to: back } });
	await transition(tx, tenant, back, { deleteAfter: null, previousStatus: null });
	await republish(tx, tenant);
	await audit(tx, {
		actor: act.by,
		action: 'tenants.undo-delete',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId,
		before: { status: 'deleting' },
		after: { status: back }
	});
}

/** Undoes whatever took a tenant off the air: a suspension or a deletion in its days of grace. @throws {AppError} WRONG_STATE */
export function bringBack(tx: Tx, tenant: Tenant, act: { by: Actor }): Promise<void> {
	return tenant.status === 'deleting' ? undoDeletion(tx, tenant, act) : reactivate(tx, tenant, act);
}

/** Goes on with a failed set-up where it failed. @throws {AppError} WRONG_STATE */
export async function retry(tx: Tx, tenant: Tenant, act: { by: Actor }): Promise<void> {
	await retrySaga(tx, await lastRun(tx, tenant.id));
	await audit(tx, {
		actor: act.by,
		action: 'tenants.retry',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId
	});
}

/** Undoes a failed set-up and gives the money back. @throws {AppError} WRONG_STATE */
export async function undoAndRefund(tx: Tx, tenant: Tenant, act: { by: Actor }): Promise<void> {
	await compensateSaga(tx, await lastRun(tx, tenant.id), 'asked for by staff');
	await audit(tx, {
		actor: act.by,
		action: 'tenants.refund',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId
	});
}

/**
 * Lets who is first in line look again, of each isolation, since each has turns of its own; with a place it wakes the next.
 * One that looks at this moment may have seen too little room: it looks once more.
 */
export async function wakeWaiting(tx: Tx): Promise<void> {
	const waiting = await tx.$queryRaw<{ id: string }[]>`
		SELECT run.id FROM (
			SELECT tenant.id, ${SINCE} AS since, ${TURN} AS turn FROM tenant_deployments tenant WHERE ${HAS_TURN}
		) tenant
		JOIN provisioning_jobs run ON run.subject_id = tenant.id AND run.saga = ${createTenantSaga.name}
			AND run.status IN ('queued', 'running', 'waiting')
		WHERE tenant.turn = 1`;
	for (const { id } of waiting) await wakeSaga(tx, id);
}

async function lastRun(tx: Tx, tenantId: string): Promise<string> {
	const run = await tx.provisioningJob.findFirst({
		where: { subjectId: tenantId },
		orderBy: { createdAt: 'desc' },
		select: { id: true }
	});
	if (!run) throw new AppError('NOT_FOUND');
	return run.id;
}
