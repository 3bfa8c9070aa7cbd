import { error } from '@sveltejs/kit';
import { z } from 'zod';
import { changeActForms, type ActingOn } from '#lib/billing/changeActForms.server.ts';
import { dunningViews } from '#lib/billing/dunningViews.server.ts';
import { subscriptionsOf } from '#lib/billing/subscriptionDetail.server.ts';
import { subscriptionPage } from '#lib/billing/subscriptionPage.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { planMigrations } from '#lib/provisioning/moves/tenants/planMoveView.server.ts';
import { waitingPlans } from '#lib/provisioning/moves/tenants/waitingPlans.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { RequestEvent } from '@sveltejs/kit';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'billing:read');
	const id = z.uuid().safeParse(event.params.id);
	const found = id.success
		? await db.subscription.findUnique({
				where: { id: id.data },
				select: {
					id: true,
					customerId: true,
					customer: { select: { companyName: true } },
					tenants: { select: { id: true, slug: true, status: true } }
				}
			})
		: null;
	if (!found) error(404, new AppError('NOT_FOUND').sentence);
	const { customerId } = found;
	const [subscription] = await subscriptionsOf(db, customerId, found.id);
	const page = await subscriptionPage(db, { id: found.id, customerId });
	const { companyName } = found.customer;
	const isIts = ({ subscriptionId }: { subscriptionId: string }) => subscriptionId === found.id;
	return {
		subscription: subscription!,
		company: { id: found.customerId, name: companyName },
		tenants: found.tenants,
		invoices: page?.invoices ?? [],
		movements: page?.movements ?? [],
		migrations: (await planMigrations(db, customerId)).filter(isIts),
		waiting: (await waitingPlans(db, customerId)).filter(isIts),
		late: await dunningViews(db, {
			customerId: found.customerId,
			subscriptionId: found.id,
			open: true
		}),
		mayChange: staff.permissions.has('billing:write'),
		confirmed: hasSteppedUp(event.locals.auth!),
		crumbs: [
			{ label: m.admin_nav_billing(), href: '/admin/billing' },
			{ label: m.billing_subscriptions(), href: '/admin/billing/subscriptions' },
			{ label: companyName }
		]
	};
};

function staffOn(event: RequestEvent): ActingOn {
	return { customerId: null, by: actorOf(event.locals.auth!) };
}

export const actions: Actions = {
	cancel: (event) => {
		requireStaff(event, 'billing:write');
		requireStepUp(event);
		return changeActForms.cancel(event.request, staffOn(event));
	},
	resume: (event) => {
		requireStaff(event, 'billing:write');
		return changeActForms.resume(event.request, staffOn(event));
	},
	undo: (event) => {
		requireStaff(event, 'billing:write');
		return changeActForms.undo(event.request, staffOn(event));
	},
	again: (event) => {
		requireStaff(event, 'billing:write');
		return changeActForms.again(event.request, staffOn(event));
	},
	coupon: (event) => {
		requireStaff(event, 'billing:write');
		return changeActForms.coupon(event.request, staffOn(event));
	},
	freeTime: (event) => {
		requireStaff(event, 'billing:write');
		return changeActForms.freeTime(event.request, staffOn(event));
	}
};
