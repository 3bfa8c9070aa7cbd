import { z } from 'zod';
import { latestInvoices } from '#lib/billing/invoiceList.server.ts';
import { asCustomer, asOwner } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { type Member, requireCustomer, requireStepUp } from '#lib/identity/guard.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { requestNewPassword, revealAdminPassword } from '#lib/provisioning/adminPassword.server.ts';
import { instancesOf, ownTenant } from '#lib/provisioning/instances.server.ts';
import { ownMigrations } from '#lib/provisioning/moves/migrations.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, permissions } = requireCustomer(event, 'instance:read');
	return {
		instances: await instancesOf(scope, { secret: permissions.has('instance:secret') }),
		migrations: await asCustomer(scope, (tx) =>
			ownMigrations(tx, { customerId: scope.customerId })
		),
		invoices: permissions.has('invoices:read')
			? await asCustomer(scope, (tx) => latestInvoices(tx, scope.customerId, 3))
			: null
	};
};

const tenantForm = z.object({ tenant_id: z.uuid() });

export const actions: Actions = {
	reveal: (event) => {
		const member = requireCustomer(event, 'instance:secret');
		requireStepUp(event);
		return answerForm(event.request, tenantForm, ({ tenant_id }) =>
			asCustomer(member.scope, async (tx) => {
				const tenant = await ownTenant(tx, member.scope, tenant_id);
				const shown = await asOwner(tx, (owner) =>
					revealAdminPassword(owner, tenant, { by: actor(member) })
				);
				return { revealed: { tenantId: tenant.id, ...shown } };
			})
		);
	},
	renew: (event) => {
		const member = requireCustomer(event, 'instance:secret');
		requireStepUp(event);
		return answerForm(event.request, tenantForm, ({ tenant_id }) =>
			asCustomer(member.scope, async (tx) => {
				const tenant = await ownTenant(tx, member.scope, tenant_id);
				await asOwner(tx, (owner) => requestNewPassword(owner, tenant, { by: actor(member) }));
				return { message: m.instance_admin_requested() };
			})
		);
	}
};

function actor({ user }: Member): Actor {
	return { kind: 'member', id: user.id, label: user.email };
}
