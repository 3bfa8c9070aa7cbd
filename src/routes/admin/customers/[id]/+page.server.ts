import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { deleteCustomer } from '#lib/customers/deletion.server.ts';
import { answerEdit } from '#lib/customers/editForm.server.ts';
import { erase } from '#lib/customers/erasure.server.ts';
import { changesOf } from '#lib/customers/history.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { partialFields } from '#lib/customers/schema.ts';
import { taxSentence } from '#lib/customers/taxRule.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { countries } from '#lib/provisioning/countries.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'customers:read');
	const { id, taxExempt } = await findCustomer(db, event.params.id);
	return {
		countries: countries(event.locals.locale),
		taxSentence: taxSentence(taxExempt, event.locals.locale),
		changes: permissions.has('audit:read') ? await changesOf(db, id) : null
	};
};

export const actions: Actions = {
	edit: async (event) => {
		requireStaff(event, 'customers:write');
		const by = actorOf(event.locals.auth!);
		const { id } = await findCustomer(db, event.params.id);
		return answerEdit(event.request, partialFields, {
			...{ customerId: id, by, reader: 'staff' },
			message: m.customer_saved()
		});
	},
	delete: (event) => {
		requireStaff(event, 'customers:delete');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, confirmed, async ({ confirm }) => {
			await transaction(async (tx) => {
				const customer = await findCustomer(tx, event.params.id);
				refuseOtherName(customer, confirm);
				await deleteCustomer(tx, customer.id, by);
			});
			return { message: m.customer_deleted_done() };
		});
	},
	erase: (event) => {
		requireStaff(event, 'customers:delete');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = confirmed.extend({ reason: z.string().trim().min(1).max(500) });
		return answerForm(event.request, form, async ({ confirm, reason }) => {
			await transaction(async (tx) => {
				const customer = await findCustomer(tx, event.params.id);
				refuseOtherName(customer, confirm);
				await erase(tx, customer.id, { by, reason });
			});
			return { message: m.customer_erased_done() };
		});
	}
};

const confirmed = z.object({ confirm: z.string().trim() });

function refuseOtherName({ companyName }: { companyName: string }, typed: string): void {
	if (typed !== companyName.trim())
		throw new AppError('BAD_INPUT', {
			fields: { confirm: m.tenant_confirm_differs({ name: companyName }) }
		});
}
