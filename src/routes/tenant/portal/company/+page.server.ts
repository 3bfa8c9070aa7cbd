import { asCustomer } from '#lib/core/db.server.ts';
import { answerEdit } from '#lib/customers/editForm.server.ts';
import { companySchema } from '#lib/customers/schema.ts';
import { taxSentence } from '#lib/customers/taxRule.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { countries } from '#lib/provisioning/countries.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId } = requireCustomer(event, 'company:manage');
	const record = await asCustomer(scope, (tx) =>
		tx.customer.findUniqueOrThrow({
			where: { id: customerId },
			select: {
				companyName: true,
				fullName: true,
				email: true,
				phone: true,
				country: true,
				taxId: true,
				taxIdType: true,
				taxExempt: true,
				addressLine: true,
				city: true,
				state: true,
				postalCode: true,
				locale: true,
				version: true
			}
		})
	);
	return {
		record,
		countries: countries(event.locals.locale),
		taxSentence: taxSentence(record.taxExempt, event.locals.locale)
	};
};

export const actions: Actions = {
	default: (event) => {
		const { customerId } = requireCustomer(event, 'company:manage');
		const by = actorOf(event.locals.auth!);
		return answerEdit(event.request, companySchema, {
			...{ customerId, by, reader: 'member' },
			message: m.customer_saved()
		});
	}
};
