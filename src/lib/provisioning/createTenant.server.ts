import { HOUR, now } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { defineSaga, SagaStop, type SagaRun, type Step } from '#lib/core/saga.server.ts';
import { refundSignup } from '../billing/refunds.server.ts';
import { cancelSubscription, delayNextCharge, isOwed } from '../billing/subscriptions.server.ts';
import { capacityAppeared } from '../infrastructure/nodes/waiters.server.ts';
import { addFirstOwner, removeUnusedOwner } from '../identity/members.server.ts';
import { audit, SYSTEM } from '../logs/audit.server.ts';
import { closeCalls } from '../logs/calls.server.ts';
import { closeAlert, openAlert } from '../notifications/alerts.server.ts';
import { queueMail } from '../notifications/mail.server.ts';
import { notify } from '../notifications/notifications.server.ts';
import { setting } from '../settings/settings.server.ts';
import { publicUrl } from '../domains/base/baseDomains.server.ts';
import { leaveCleanup } from './cleanup.server.ts';
import { containerStep } from './containerStep.server.ts';
import { databaseStep } from './databaseStep.server.ts';
import { placeStep } from './placeStep.server.ts';
import { dnsStep, ingressStep, placeOf, verifyStep } from './publishStep.server.ts';
import { stepMessage } from './stepMessages.ts';
import {
	createTenantState,
	type CreateTenantContext,
	type CreateTenantState
} from './stepTypes.ts';
import { releaseTenantName } from './reservations.server.ts';
import { transition } from './tenantState.server.ts';
import { mayBecome } from './tenantStates.ts';

type Run = SagaRun<CreateTenantState>;

/** A set-up that took longer than this moves the next charge by the time it took. */
const FREE_SETUP = 24 * HOUR;

/** Everybody hears that the instance is ready, and the customer gets the link to set a password. */
const activateStep: Step<CreateTenantState> = {
	name: 'activate',
	async run(context) {
		const { tenant } = await placeOf(context.subjectId);
		const since = now().getTime() - (tenant.queuedAt ?? tenant.createdAt).getTime();
		if (tenant.subscriptionId && since > FREE_SETUP)
			await delayNextCharge(tenant.subscriptionId, since);
		const url = publicUrl(tenant.slug, tenant.baseDomain.name);
		await context.write(async (tx) => {
			// A run that was killed before it noted this step as done comes here again.
			if (tenant.status !== 'active') {
				await transition(tx, tenant, 'active', { activatedAt: now(), statusReason: null });
				await audit(tx, {
					actor: SYSTEM,
					action: 'tenants.activate',
					subject: { type: 'tenant', id: tenant.id },
					customerId: tenant.customerId,
					after: { status: 'active', url }
				});
			}
			const owner = await addFirstOwner(tx, {
				customerId: tenant.customerId,
				email: tenant.customer.email,
				fullName: tenant.customer.fullName,
				locale: tenant.customer.locale
			});
			await queueMail(tx, {
				template: owner.joined ? 'welcome' : 'welcome_back',
				userId: owner.userId,
				customerId: tenant.customerId,
				to: tenant.customer.email,
				locale: tenant.customer.locale,
				data: { name: tenant.customer.fullName, company: tenant.customer.companyName, url },
				dedupeKey: `welcome:${tenant.id}`
			});
			await notify(tx, {
				customerId: tenant.customerId,
				kind: 'tenant_ready',
				severity: 'success',
				data: { slug: tenant.slug, url },
				href: '/tenant/portal',
				dedupeKey: `ready:${tenant.id}`
			});
			if (context.state.signupId) {
				await tx.signup.update({
					where: { id: context.state.signupId },
					data: { status: 'completed' }
				});
			}
			// Whatever was said of its subscription since the look before this step was said to nobody.
			if (tenant.subscriptionId)
				await enqueue(tx, 'provisioning.subscription-changed', {
					subscriptionId: tenant.subscriptionId
				});
		});
		return { message: stepMessage('activated', { url }) };
	}
};

/** From a paid subscription to an ERP that answers; see domain.md section 3. */
export const createTenantSaga = defineSaga<CreateTenantState>({
	name: 'tenants.create',
	topic: 'tenant',
	state: createTenantState,
	waits: ['containerAskedAt', 'ingressVersion', 'ingressAskedAt', 'firstLookAt'],
	steps: [placeStep, containerStep, databaseStep, dnsStep, ingressStep, verifyStep, activateStep],
	before: mustBeOwed,
	retryWindow: async () => (await setting('provisioning.retry_window_minutes')) * 60,

	async onRunning(tx, run) {
		const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: run.subjectId } });
		// A tenant that waits for room is still waiting while its place step looks again.
		if (tenant.status === 'requested' || tenant.status === 'failed')
			await transition(tx, tenant, 'provisioning', { statusReason: null });
	},
	async onStepDone(tx, run, step) {
		if (step !== placeStep.name) return;
		const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: run.subjectId } });
		if (tenant.status !== 'waiting_capacity') return;
		await transition(tx, tenant, 'provisioning', { statusReason: null });
		await closeAlert(tx, {
			rule: 'provisioning.no-capacity',
			subjectType: 'tenant',
			subjectId: tenant.id
		});
		// The next in line was told that it is not first: there may be room for it as well.
		await capacityAppeared(tx);
	},
	async onWaiting(tx, run, reason) {
		if (reason !== 'NO_CAPACITY') return;
		const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: run.subjectId } });
		if (tenant.status === 'provisioning')
			await transition(tx, tenant, 'waiting_capacity', { statusReason: reason });
	},
	async onFailed(tx, run, failure) {
		const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: run.subjectId } });
		if (tenant.status === 'provisioning')
			await transition(tx, tenant, 'failed', { statusReason: failure.code });
		// It has its turn no more: the next in line may have the room that this one was woken for.
		if (tenant.status === 'waiting_capacity') await capacityAppeared(tx);
		await openAlert(tx, {
			rule: 'provisioning.failed',
			subjectType: 'tenant',
			subjectId: tenant.id,
			severity: 'critical',
			data: { slug: tenant.slug, step: failure.step, message: failure.message }
		});
	},
	onCompensating: giveMoneyBack,
	async onCompensated(tx, run) {
		await closeCalls(tx, run.jobId);
		if (!run.state.signupId) await closeUnpaid(tx, run);
		await closeAlert(tx, {
			rule: 'provisioning.failed',
			subjectType: 'tenant',
			subjectId: run.subjectId
		});
		await removeUnusedOwner(tx, run.customerId!);
	},
	async onSucceeded(tx, run) {
		await closeCalls(tx, run.jobId);
		await closeAlert(tx, {
			rule: 'provisioning.failed',
			subjectType: 'tenant',
			subjectId: run.subjectId
		});
	},
	onUndoFailed: leaveCleanup
});

/** @throws {SagaStop} when nobody pays for it any more */
async function mustBeOwed(context: CreateTenantContext): Promise<void> {
	const { status, subscription } = await db.tenant.findUniqueOrThrow({
		where: { id: context.subjectId },
		select: { status: true, subscription: true }
	});
	if (status === 'deleting' || status === 'deleted') throw new SagaStop('deleted meanwhile');
	if (!subscription) throw new SagaStop('no subscription');
	if (!isOwed(subscription)) throw new SagaStop(`the subscription is ${subscription.status}`);
}

/** Nobody paid for what staff asked for: with nothing to give back, the end is there at once. */
async function closeUnpaid(tx: Tx, run: Run): Promise<void> {
	const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: run.subjectId } });
	if (!mayBecome(tenant.status, 'refunded')) return;
	await transition(tx, tenant, 'refunded');
	await releaseTenantName(tx, tenant.id);
	await cancelSubscription(tx, {
		subscriptionId: tenant.subscriptionId!,
		reason: 'the instance could not be set up'
	});
}

/** The refund starts together with the undoing and waits for none of it. */
async function giveMoneyBack(tx: Tx, run: Run, reason: string): Promise<void> {
	const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: run.subjectId } });
	if (tenant.status === 'provisioning')
		await transition(tx, tenant, 'failed', { statusReason: 'NOT_OWED' });
	if (tenant.status === 'waiting_capacity') {
		await closeAlert(tx, {
			rule: 'provisioning.no-capacity',
			subjectType: 'tenant',
			subjectId: tenant.id
		});
		await capacityAppeared(tx);
	}
	const { signupId } = run.state;
	if (signupId) {
		await tx.signup.update({ where: { id: signupId }, data: { status: 'refunding' } });
		await refundSignup(tx, {
			signupId,
			customerId: tenant.customerId,
			subscriptionId: tenant.subscriptionId!,
			reason
		});
	}
	await audit(tx, {
		actor: SYSTEM,
		action: 'tenants.compensate',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId,
		after: { reason }
	});
}
