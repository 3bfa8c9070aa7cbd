import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { dateTime } from '#lib/ui/format.ts';
import type { Signup, Tenant } from '#prisma/generated/client.ts';
import { audit, SYSTEM, type Actor } from '../logs/audit.server.ts';
import { queueMail } from '../notifications/mail.server.ts';
import { notify } from '../notifications/notifications.server.ts';
import { setting } from '../settings/settings.server.ts';
import { releaseTenantName } from './reservations.server.ts';
import { closeOpenSession, hasRunOut, paymentLink } from './signups.server.ts';
import { announce, transition } from './tenantState.server.ts';
import { requestDeletion } from './tenants.server.ts';

/*
 * A request: a tenant that staff ordered and whose customer has a link to pay. It ends when it is paid, when its days
 * are over, or when staff cancel it; either way Stripe's page is ended first, so that nobody pays for what is gone.
 */

/** Somebody may open the page anew while we end it; no link is good for long enough to go on with that. */
const ROUNDS = 5;
const BATCH = 500;

/** Why a request was closed, as the tenant's `statusReason` says it. */
export const CLOSED_BECAUSE = { unpaid: 'UNPAID', cancelled: 'CANCELLED' } as const;

/** What staff see of a tenant that waits for its payment; null when it waits for none. */
export async function requestOf(tx: Tx, tenantId: string) {
	const signup = await tx.signup.findFirst({
		where: { tenantId, status: { in: ['open', 'processing'] } },
		select: { email: true, status: true, payBy: true }
	});
	return (
		signup && {
			email: signup.email,
			payBy: signup.payBy,
			isOnItsWay: signup.status === 'processing',
			isClosing: hasRunOut(signup)
		}
	);
}

/** Until when a link that is sent now can be paid. */
export async function payByFromNow(): Promise<Date> {
	return after(now(), (await setting('provisioning.unpaid_link_days')) * DAY);
}

/** Mails the way to pay, and until when. */
export async function mailPaymentLink(
	tx: Tx,
	signup: Signup & { payBy: Date },
	planName: string
): Promise<void> {
	const locale = signup.locale === 'en' ? 'en-US' : 'es-419';
	await queueMail(tx, {
		template: 'payment_link',
		userId: null,
		customerId: signup.customerId,
		to: signup.email,
		locale: signup.locale,
		data: {
			name: signup.fullName,
			company: signup.companyName,
			plan: planName,
			url: paymentLink(signup.id),
			until: dateTime(signup.payBy, locale, await setting('general.timezone'))
		},
		dedupeKey: `payment-link:${signup.id}:${signup.payBy.getTime()}`
	});
}

/**
 * Sends the customer the link once more, good for all its days from now on.
 * @throws {AppError} WRONG_STATE when it waits for no payment, LINK_EXPIRED when its days are over, PAYMENT_ON_ITS_WAY
 */
export async function sendPaymentLink(tx: Tx, tenant: Tenant, act: { by: Actor }): Promise<void> {
	const signup = await unpaidSignup(tx, tenant, 'requested');
	if (hasRunOut(signup)) throw new AppError('LINK_EXPIRED');
	const payBy = await payByFromNow();
	const renewed = await tx.signup.update({
		where: { id: signup.id },
		data: { payBy },
		include: { plan: true }
	});
	await tx.tenant.update({ where: { id: tenant.id }, data: { version: { increment: 1 } } });
	await mailPaymentLink(tx, { ...renewed, payBy }, renewed.plan.name);
	await audit(tx, {
		actor: act.by,
		action: 'tenants.send-payment-link',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId,
		after: { pay_by: payBy.toISOString() }
	});
	await announce(tx, tenant);
}

/**
 * Ends a tenant as its state asks for: the days of grace for an instance, at once for a request that nobody has paid.
 * @throws {AppError} WRONG_STATE, CHANGED_MEANWHILE, ALREADY_RUNNING, PAYMENT_ON_ITS_WAY
 */
export function deleteOrCancel(tx: Tx, tenant: Tenant, act: { by: Actor }): Promise<void> {
	return tenant.status === 'requested'
		? cancelRequest(tx, tenant, act)
		: requestDeletion(tx, tenant, act);
}

/** From here on the link is no good; a job ends the page that may be open at Stripe, and then the request. */
async function cancelRequest(tx: Tx, tenant: Tenant, act: { by: Actor }): Promise<void> {
	const signup = await unpaidSignup(tx, tenant, 'deleted');
	await enqueue(tx, 'provisioning.close-request', { signupId: signup.id }, { key: signup.id });
	if (hasRunOut(signup)) return;
	await tx.signup.update({ where: { id: signup.id }, data: { payBy: now() } });
	await tx.tenant.update({
		where: { id: tenant.id },
		data: { statusReason: CLOSED_BECAUSE.cancelled, version: { increment: 1 } }
	});
	await audit(tx, {
		actor: act.by,
		action: 'tenants.cancel-request',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId
	});
	await announce(tx, tenant);
}

/** Has every request closed whose days are over. */
export async function closeOverdueRequests(): Promise<void> {
	const overdue = await db.signup.findMany({
		where: { status: 'open', tenantId: { not: null }, payBy: { lte: now() } },
		take: BATCH,
		orderBy: { payBy: 'asc' },
		select: { id: true }
	});
	for (const { id: signupId } of overdue) {
		await transaction((tx) =>
			enqueue(tx, 'provisioning.close-request', { signupId }, { key: signupId })
		);
	}
}

/**
 * Closes a request whose days are over: the page that is open at Stripe is ended and read back first. One that was paid
 * in that moment goes on. Runs any number of times.
 * @throws {AppError} PAYMENT_UNAVAILABLE when Stripe does not answer; the request stays as it is
 */
export async function closeRequest(signupId: string): Promise<void> {
	for (let round = 0; round < ROUNDS; round++) {
		await closeOpenSession(signupId);
		if (await transaction((tx) => conclude(tx, signupId))) return;
	}
	throw new AppError('BUSY', { detail: `signup ${signupId} has a new session again and again` });
}

/** @returns false when a page was opened meanwhile, which has to be ended first */
async function conclude(tx: Tx, signupId: string): Promise<boolean> {
	await tx.$queryRaw`SELECT id FROM signups WHERE id = ${signupId}::uuid FOR UPDATE`;
	const signup = await tx.signup.findUnique({
		where: { id: signupId },
		include: { sessions: { where: { status: { in: ['open', 'complete'] } } } }
	});
	if (!signup?.tenantId || !hasRunOut(signup)) return true;
	if (signup.sessions.some(({ status }) => status === 'open')) return false;
	const paid = signup.sessions.find(({ paymentStatus }) => paymentStatus !== 'failed');
	if (paid?.stripeSessionId) {
		const { stripeSessionId } = paid;
		await enqueue(tx, 'provisioning.checkout-changed', { stripeSessionId, failed: false });
		return true;
	}
	const tenant = await tx.tenant.findUniqueOrThrow({
		where: { id: signup.tenantId },
		include: { customer: { select: { companyName: true } } }
	});
	await close(tx, tenant, signup);
	return true;
}

async function close(
	tx: Tx,
	tenant: Tenant & { customer: { companyName: string } },
	signup: Signup
): Promise<void> {
	const reason = tenant.statusReason ?? CLOSED_BECAUSE.unpaid;
	await transition(tx, tenant, 'deleted', { deletedAt: now(), statusReason: reason });
	await releaseTenantName(tx, tenant.id);
	await tx.signup.update({ where: { id: signup.id }, data: { status: 'expired' } });
	await audit(tx, {
		actor: SYSTEM,
		action: 'tenants.close-request',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId,
		before: { status: tenant.status },
		after: { status: 'deleted', reason, pay_by: signup.payBy?.toISOString() }
	});
	const told = {
		permission: 'tenants:read',
		severity: 'info' as const,
		data: { slug: tenant.slug, company: tenant.customer.companyName },
		href: `/admin/tenants/${tenant.id}`,
		dedupeKey: `request-closed:${tenant.id}`
	};
	if (reason === CLOSED_BECAUSE.cancelled)
		await notify(tx, { kind: 'tenant_request_cancelled', ...told });
	else await notify(tx, { kind: 'tenant_request_closed', ...told });
	await publish(tx, `signup:${signup.id}`, signup.id);
}

/** The signup behind a request, locked against its payment. @throws {AppError} WRONG_STATE, PAYMENT_ON_ITS_WAY */
async function unpaidSignup(tx: Tx, tenant: Tenant, to: 'requested' | 'deleted'): Promise<Signup> {
	const wrong = new AppError('WRONG_STATE', { params: { from: tenant.status, to } });
	await tx.$queryRaw`SELECT id FROM signups WHERE tenant_id = ${tenant.id}::uuid FOR UPDATE`;
	const signup = await tx.signup.findFirst({
		where: { tenantId: tenant.id, customerId: tenant.customerId },
		orderBy: { createdAt: 'desc' }
	});
	if (!signup || tenant.status !== 'requested') throw wrong;
	if (signup.status === 'processing') throw new AppError('PAYMENT_ON_ITS_WAY');
	if (signup.status !== 'open') throw wrong;
	return signup;
}
