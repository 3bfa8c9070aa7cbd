import { redirect } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { moreTenantForm } from '#lib/provisioning/schema.ts';
import { createByStaff } from '#lib/provisioning/staffTenants.server.ts';
import { tenantSelect, tenantViews } from '#lib/provisioning/tenantView.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'tenants:read');
	const { id } = await findCustomer(db, event.params.id);
	const tenants = await db.tenant.findMany({
		where: { customerId: id },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		take: 100,
		select: tenantSelect
	});
	return {
		tenants: await tenantViews(db, tenants),
		plans: await db.plan.findMany({
			where: { replacedAt: null },
			orderBy: { position: 'asc' },
			select: { key: true, name: true, isolation: true }
		})
	};
};

const FIELDS: Partial<Record<AppError['code'], string>> = {
	NAME_TAKEN: 'subdomain',
	NAME_RESERVED: 'subdomain',
	PLAN_NOT_FOUND: 'plan',
	PLAN_NOT_PURCHASABLE: 'plan'
};

export const actions: Actions = {
	default: async (event) => {
		requireStaff(event, 'tenants:create');
		const by = actorOf(event.locals.auth!);
		const customer = await findCustomer(db, event.params.id);
		return answerForm(event.request, moreTenantForm, async (input) => {
			const who = {
				company_name: customer.companyName,
				full_name: customer.fullName,
				email: customer.email,
				...(customer.country && { country: customer.country })
			};
			const locale = customer.locale === 'en' ? 'en' : 'es';
			const act = { by, locale, customerId: customer.id } as const;
			const { id } = await transaction((tx) => createByStaff(tx, { ...input, ...who }, act)).catch(
				(error: unknown) => {
					const field = error instanceof AppError && FIELDS[error.code];
					throw field ? new AppError(error.code, { fields: { [field]: error.sentence } }) : error;
				}
			);
			redirect(303, `/admin/tenants/${id}`);
		});
	}
};
