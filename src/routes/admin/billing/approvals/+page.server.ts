import { z } from 'zod';
import { reasonField } from '#lib/billing/invoiceForms.ts';
import { tryInvoiceAct } from '#lib/billing/invoiceActRun.server.ts';
import { approveInvoiceAct, rejectInvoiceAct } from '#lib/billing/invoiceActs.server.ts';
import { approvals } from '#lib/billing/invoicePage.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { answerOf } from '../invoices/answer.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { user, permissions } = requireStaff(event, 'billing:read');
	return {
		...(await approvals(db)),
		me: user.id,
		mayApprove: permissions.has('billing:approve'),
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		crumbs: [{ label: m.admin_nav_billing(), href: '/admin/billing' }, { label: m.approvals() }]
	};
};

export const actions: Actions = {
	approve: (event) => {
		requireStaff(event, 'billing:approve');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({ act: z.uuid() }), async ({ act }) => {
			await transaction((tx) => approveInvoiceAct(tx, act, by));
			return answerOf(await tryInvoiceAct(act));
		});
	},
	// Whoever asked may take it back without the right to approve: nothing of theirs is approved by it.
	reject: (event) => {
		const { user, permissions } = requireStaff(event, 'billing:read');
		const by = actorOf(event.locals.auth!);
		const form = z.object({ act: z.uuid(), reason: reasonField });
		return answerForm(event.request, form, async ({ act, reason }) => {
			const own = await db.invoiceAct.findFirst({ where: { id: act, byId: user.id } });
			if (!own && !permissions.has('billing:approve')) requireStaff(event, 'billing:approve');
			await transaction((tx) => rejectInvoiceAct(tx, act, { by, reason }));
			return { message: own ? m.approvals_withdrawn() : m.approvals_rejected() };
		});
	}
};
