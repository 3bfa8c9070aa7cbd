import { z } from 'zod';
import { refundOrderPage, sendRefundAgain } from '#lib/billing/refundAgain.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'billing:read');
	const { id } = event.params;
	if (!z.uuid().safeParse(id).success) throw new AppError('NOT_FOUND');
	const { order, ...page } = await refundOrderPage(db, id);
	const { customerId, signupId } = order;
	const customer = await db.customer.findUniqueOrThrow({
		where: { id: customerId },
		select: { companyName: true }
	});
	const { tenantId } = await db.signup.findUniqueOrThrow({
		where: { id: signupId },
		select: { tenantId: true }
	});
	const tenant =
		tenantId &&
		staff.permissions.has('tenants:read') &&
		(await db.tenant.findUnique({ where: { id: tenantId }, select: { id: true, slug: true } }));
	return {
		...page,
		order,
		company: customer.companyName,
		tenant: tenant || null,
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		mayRefund: staff.permissions.has('billing:refund'),
		crumbs: [
			{ label: m.admin_nav_billing(), href: '/admin/billing' },
			{ label: m.refund_order_title() }
		]
	};
};

export const actions: Actions = {
	sendAgain: (event) => {
		requireStaff(event, 'billing:refund');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = z.object({ bounced: z.coerce.number().int() });
		return answerForm(event.request, form, async ({ bounced }) => {
			const orderId = z.uuid().safeParse(event.params.id).data;
			if (!orderId) throw new AppError('NOT_FOUND');
			await transaction((tx) => sendRefundAgain(tx, { orderId, bounced, by }));
			return { message: m.refund_send_again_done() };
		});
	}
};
