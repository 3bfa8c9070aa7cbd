import { redirect } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { createTenantForm } from '#lib/provisioning/schema.ts';
import { besideItsField, createByStaff } from '#lib/provisioning/staffTenants.server.ts';
import { mayWithTenants, tenantFilters } from '#lib/provisioning/tenantFilters.server.ts';
import { listTenantRows, TENANT_LIST } from '#lib/provisioning/tenantList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'tenants:read');
	const query = parseListQuery(event.url, TENANT_LIST);
	return {
		...(await listTenantRows(db, query)),
		...(await tenantFilters(db)),
		mayCreate: staff.permissions.has('tenants:create'),
		may: mayWithTenants(staff),
		crumbs: [{ label: m.admin_nav_tenants() }]
	};
};

export const actions: Actions = {
	create: async (event) => {
		requireStaff(event, 'tenants:create');
		return answerForm(event.request, createTenantForm, async (input) => {
			const by = actorOf(event.locals.auth!);
			const { locale } = event.locals;
			const { id } = await transaction((tx) => createByStaff(tx, input, { by, locale })).catch(
				(error: unknown) => {
					throw besideItsField(error);
				}
			);
			redirect(303, `/admin/tenants/${id}`);
		});
	}
};
