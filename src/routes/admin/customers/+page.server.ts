import { redirect } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { addCustomer } from '#lib/customers/adding.server.ts';
import {
	CUSTOMER_LIST,
	customerCountries,
	listCustomerRows
} from '#lib/customers/customerList.server.ts';
import { createCustomerSchema, formOf } from '#lib/customers/schema.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { countries } from '#lib/provisioning/countries.server.ts';
import { createTenantForm } from '#lib/provisioning/schema.ts';
import { besideItsField, createByStaff } from '#lib/provisioning/staffTenants.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'customers:read');
	const query = parseListQuery(event.url, CUSTOMER_LIST);
	const plans = await db.plan.findMany({
		where: { replacedAt: null },
		orderBy: { position: 'asc' },
		select: { key: true, name: true, isolation: true }
	});
	const used = new Set(await customerCountries(db));
	const all = countries(event.locals.locale);
	return {
		...(await listCustomerRows(db, query)),
		plans,
		countries: all,
		usedCountries: all.filter(({ value }) => used.has(value)),
		may: {
			write: staff.permissions.has('customers:write'),
			createTenant: staff.permissions.has('tenants:create')
		},
		crumbs: [{ label: m.admin_nav_customers_list() }]
	};
};

export const actions: Actions = {
	create: async (event) => {
		requireStaff(event, 'customers:write');
		const by = actorOf(event.locals.auth!);
		const form = formOf(createCustomerSchema, ['company_name', 'email']);
		return answerForm(event.request, form, async (input) => {
			const full = { ...input, full_name: input.full_name ?? input.company_name };
			const { id } = await transaction((tx) =>
				addCustomer(tx, full, { by, locale: event.locals.locale })
			);
			redirect(303, `/admin/customers/${id}`);
		});
	},
	createWithTenant: async (event) => {
		requireStaff(event, 'tenants:create');
		return answerForm(event.request, createTenantForm, async (input) => {
			const by = actorOf(event.locals.auth!);
			const { locale } = event.locals;
			const { customerId } = await transaction((tx) =>
				createByStaff(tx, input, { by, locale })
			).catch((error: unknown) => {
				throw besideItsField(error);
			});
			redirect(303, `/admin/customers/${customerId}/deployment`);
		});
	}
};
