import { z } from 'zod';
import { now, SECOND } from '#lib/core/clock.server.ts';
import { db, lock } from '#lib/core/db.server.ts';
import { defineSaga, type Step, type StepContext, type StepResult } from '#lib/core/saga.server.ts';
import { takeLastBackup } from '../backups/backups.server.ts';
import { cancelSubscription } from '../billing/subscriptions.server.ts';
import { removeDomainsOf } from '../domains/custom/customDomains.server.ts';
import { removeRecord } from '../domains/records/dns.server.ts';
import { actLockOf } from '../infrastructure/containers/acts.server.ts';
import { destroyContainer } from '../infrastructure/containers/containers.server.ts';
import { odooIn } from '../infrastructure/containers/odooClient.server.ts';
import { releaseContainer } from '../infrastructure/placement/placement.server.ts';
import { othersIn } from '../infrastructure/placement/slots.server.ts';
import { audit, SYSTEM } from '../logs/audit.server.ts';
import { closeCalls } from '../logs/calls.server.ts';
import { closeAlert, openAlert } from '../notifications/alerts.server.ts';
import { queueMail } from '../notifications/mail.server.ts';
import { cloudflareClient } from '../settings/clients.server.ts';
import { placeOf, withdraw } from './publishStep.server.ts';
import { stepMessage } from './stepMessages.ts';
import { releaseTenantName } from './reservations.server.ts';
import { transition } from './tenantState.server.ts';

const state = z.object({
	/** When the last backup is removed, too. */
	purgeAfter: z.iso.datetime().nullable().optional(),
	/** Milliseconds since the epoch when its rule was first to leave the tunnel. */
	withdrawnAt: z.number().optional()
});
type State = z.infer<typeof state>;

/** Nothing is touched before the days of grace are over: until then the deletion can be taken back. */
const graceStep: Step<State> = {
	name: 'grace',
	async run(context) {
		const { deleteAfter } = await db.tenant.findUniqueOrThrow({
			where: { id: context.subjectId },
			select: { deleteAfter: true }
		});
		const left = Math.ceil(((deleteAfter?.getTime() ?? 0) - now().getTime()) / SECOND);
		if (left <= 0) return whenNotMoving(context);
		// Looks again within the hour, so that a clock that was moved is noticed.
		return {
			wait: Math.min(Math.max(left, 11), 3600),
			reason: 'grace',
			message: stepMessage('grace', { until: deleteAfter!.toISOString() })
		};
	}
};

/** A container on its way to another node is left alone until it has arrived; a move that comes later finds this run at work. */
async function whenNotMoving(context: StepContext<State>): Promise<StepResult> {
	const moving = await context.write(async (tx) => {
		const { containerId } = await tx.tenant.findUniqueOrThrow({
			where: { id: context.subjectId },
			select: { containerId: true }
		});
		if (!containerId) return false;
		await lock(tx, actLockOf(containerId));
		const where = { id: containerId, moveToNodeId: { not: null } };
		return (await tx.container.count({ where })) > 0;
	});
	if (!moving) return;
	const message = stepMessage('moving', {});
	return { wait: 30, reason: 'grace', message };
}

/** Taken, read back and hashed before anything goes; without it nothing is deleted. */
const backupStep: Step<State> = {
	name: 'backup',
	async run(context) {
		const { tenant } = await placeOf(context.subjectId);
		if (!tenant.containerId || !tenant.activatedAt)
			return { message: stepMessage('nothing_to_back_up', {}) };
		const taken = await takeLastBackup(context, tenant.id);
		if (!taken.ready) {
			const message = stepMessage('backup_running', {});
			return { wait: taken.wait, reason: message.code, message };
		}
		await context.save({ purgeAfter: taken.purgeAfter?.toISOString() ?? null });
		return { message: stepMessage('backup_taken', { location: taken.location }) };
	}
};

/** Nobody reaches it any more: no rule in the tunnel, then no record. */
const unpublishStep: Step<State> = {
	name: 'unpublish',
	async run(context) {
		const { tenant, tunnel } = await placeOf(context.subjectId);
		if (context.state.withdrawnAt === undefined) {
			await context.write((tx) => removeDomainsOf(tx, tenant.id, SYSTEM));
			await context.save({ withdrawnAt: Date.now() });
		}
		const wait = await withdraw(context, tunnel.id, context.state.withdrawnAt!);
		if (wait) return wait;
		const owner = { kind: 'tenant', id: tenant.id } as const;
		await removeRecord(await cloudflareClient(context.trace), owner);
	}
};

/**
 * Its database leaves a shared container; a container of its own goes as a whole. What was there before us stays: of an
 * adopted container only the link goes.
 */
const removeStep: Step<State> = {
	name: 'remove',
	async run(context) {
		const { tenant } = await placeOf(context.subjectId);
		if (!tenant.containerId) return;
		const { status, adopted, postgresContainerId } = await db.container.findUniqueOrThrow({
			where: { id: tenant.containerId }
		});
		if (adopted) {
			await context.write((tx) =>
				tx.tenant.update({ where: { id: tenant.id }, data: { containerId: null } })
			);
			return { message: stepMessage('adopted_stays', { name: tenant.databaseName }) };
		}
		// A container of its own takes its databases along, unless they are elsewhere.
		const stays = tenant.isolation === 'shared' || postgresContainerId !== null;
		if (stays && status === 'running') {
			const odoo = await odooIn(tenant.containerId, context.trace);
			try {
				await odoo.dropDatabase(tenant.databaseName);
			} finally {
				await odoo.close();
			}
		}
		const others = await othersIn(db, tenant.containerId, tenant.id);
		if (others === 0) await destroyContainer(context, tenant.containerId, { tenantId: tenant.id });
		await context.write(async (tx) => {
			if (others === 0) await releaseContainer(tx, tenant.containerId!, { tenantId: tenant.id });
			await tx.tenant.update({ where: { id: tenant.id }, data: { containerId: null } });
		});
	}
};

const finishStep: Step<State> = {
	name: 'finish',
	async run(context) {
		const { tenant } = await placeOf(context.subjectId);
		if (tenant.status === 'deleted') return;
		await context.write(async (tx) => {
			await transition(tx, tenant, 'deleted', { deletedAt: now() });
			await tx.tenantSecret.deleteMany({ where: { tenantId: tenant.id } });
			await releaseTenantName(tx, tenant.id);
			if (tenant.subscriptionId)
				await cancelSubscription(tx, {
					subscriptionId: tenant.subscriptionId,
					reason: 'instance deleted'
				});
			await closeAlert(tx, {
				rule: 'provisioning.delete-failed',
				subjectType: 'tenant',
				subjectId: tenant.id
			});
			await queueMail(tx, {
				template: 'instance_deleted',
				userId: null,
				customerId: tenant.customerId,
				to: tenant.customer.email,
				locale: tenant.customer.locale,
				data: {
					name: tenant.customer.fullName,
					company: tenant.customer.companyName,
					subdomain: tenant.slug,
					purgeOn: context.state.purgeAfter ? context.state.purgeAfter.slice(0, 10) : '—'
				},
				dedupeKey: `deleted:${tenant.id}`
			});
			await audit(tx, {
				actor: SYSTEM,
				action: 'tenants.deleted',
				subject: { type: 'tenant', id: tenant.id },
				customerId: tenant.customerId
			});
		});
	}
};

/** Days of grace, the last backup, then everything that the set-up made. A failure stays and waits for staff. */
export const deleteTenantSaga = defineSaga<State>({
	name: 'tenants.delete',
	topic: 'tenant',
	state,
	waits: ['withdrawnAt'],
	steps: [graceStep, backupStep, unpublishStep, removeStep, finishStep],
	retryWindow: async () => null,
	onSucceeded: (tx, run) => closeCalls(tx, run.jobId),
	async onFailed(tx, run, failure) {
		await openAlert(tx, {
			rule: 'provisioning.delete-failed',
			subjectType: 'tenant',
			subjectId: run.subjectId,
			severity: 'critical',
			data: { step: failure.step, message: failure.message }
		});
	}
});
