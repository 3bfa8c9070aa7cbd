import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { SubscriptionChange } from '#prisma/generated/client.ts';
import { couponByCode } from './coupons.server.ts';
import {
	cancelForm,
	changeForm,
	couponForm,
	freeTimeForm,
	subscriptionForm
} from './changeForms.ts';
import { asFarAsItGoes, orderAct, undoChange } from './changes.server.ts';
import { declineReason } from './declines.ts';
import { refusal } from './changeWords.ts';

/** Who acts, and whose subscriptions they may touch; staff any, whose customer is found by the id. */
export interface ActingOn {
	customerId: string | null;
	by: Actor;
}

/** The forms of a subscription's acts, the same for staff and for its owner. */
export const changeActForms = {
	cancel: (request: Request, who: ActingOn) =>
		answerForm(request, cancelForm, async (input) => {
			const scope = await scopeOf(input.subscription_id, who);
			if (input.confirm !== scope.companyName)
				throw new AppError('BAD_INPUT', {
					fields: { confirm: m.tenant_confirm_differs({ name: scope.companyName }) }
				});
			const now = input.when === 'now';
			const details = { reason: input.reason || null };
			const change = await orderAct(scope, now ? 'cancel' : 'cancel_at_end', details, who.by);
			return answer(change, now ? m.subscription_cancelled_now() : m.subscription_cancelled_end());
		}),
	resume: (request: Request, who: ActingOn) =>
		answerForm(request, subscriptionForm, async ({ subscription_id }) => {
			const scope = await scopeOf(subscription_id, who);
			return answer(await orderAct(scope, 'resume', {}, who.by), m.subscription_resumed());
		}),
	undo: (request: Request, who: ActingOn) =>
		answerForm(request, changeForm, async ({ change_id: changeId }) => {
			const { customerId } = await changeOf(changeId, who);
			return answer(await undoChange({ changeId, customerId }, who.by), m.change_was_undone());
		}),
	/** What Stripe did not answer to is tried at once, before its job does. */
	again: (request: Request, who: ActingOn) =>
		answerForm(request, changeForm, async ({ change_id: changeId }) => {
			await changeOf(changeId, who);
			return answer(await asFarAsItGoes(changeId), m.change_done());
		}),
	coupon: (request: Request, who: ActingOn) =>
		answerForm(request, couponForm, async ({ subscription_id, code }) => {
			const scope = await scopeOf(subscription_id, who);
			const { currency } = scope;
			const { id: couponId } = await couponByCode(db, code, { currency }).catch(besideTheCode);
			const change = await orderAct(scope, 'coupon', { couponId }, who.by);
			return answer(change, m.subscription_coupon_applied());
		}),
	freeTime: (request: Request, who: ActingOn) =>
		answerForm(request, freeTimeForm, async ({ subscription_id, until, reason }) => {
			const scope = await scopeOf(subscription_id, who);
			const day = new Date(`${until}T12:00:00Z`);
			if (scope.currentPeriodEnd && day <= scope.currentPeriodEnd)
				throw new AppError('BAD_INPUT', {
					fields: { until: m.subscription_free_too_early() }
				});
			const change = await orderAct(scope, 'trial', { until: day, reason }, who.by);
			return answer(change, m.subscription_free_given());
		})
};

interface Scope {
	id: string;
	customerId: string;
	companyName: string;
	currentPeriodEnd: Date | null;
	currency: string;
}

function besideTheCode(error: unknown): never {
	if (!(error instanceof AppError)) throw error;
	throw new AppError(error.code, { fields: { code: error.sentence } });
}

async function scopeOf(id: string, { customerId }: ActingOn): Promise<Scope> {
	const row = await db.subscription.findFirst({
		where: { id, ...(customerId && { customerId }) },
		select: {
			id: true,
			customerId: true,
			currentPeriodEnd: true,
			currency: true,
			customer: { select: { companyName: true } }
		}
	});
	if (!row) throw new AppError('NOT_FOUND');
	return { ...row, companyName: row.customer.companyName };
}

async function changeOf(id: string, { customerId }: ActingOn) {
	const row = await db.subscriptionChange.findFirst({
		where: { id, ...(customerId && { customerId }) },
		select: { customerId: true }
	});
	if (!row) throw new AppError('NOT_FOUND');
	return row;
}

/** @throws {AppError} with the reason beside no field, when nothing came of it */
function answer(change: SubscriptionChange, done: string): { message: string } {
	if (refusal(change) !== null) throw refusedChange(change);
	return { message: change.status === 'ordered' ? m.change_going() : done };
}

/** A change that was refused, as the error that people and programs get. */
export function refusedChange(change: SubscriptionChange): AppError {
	const code = errorCode.catch('VENDOR_FAILED').parse(change.error);
	return new AppError(code, {
		params: { vendor: 'Stripe', reason: declineReason(change.declineCode) }
	});
}

const errorCode = z.enum([
	'PAYMENT_DECLINED',
	'PAYMENT_EXPIRED',
	'NO_CARD',
	'CHANGED_MEANWHILE',
	'WRONG_STATE',
	'COUPON_NOT_FOUND',
	'NOT_BILLED_BY_STRIPE',
	'VENDOR_FAILED'
]);
