import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { plansOnSale } from '#lib/plans/plans.server.ts';
import { adoptedDatabases } from '#lib/provisioning/adoptedDatabases.server.ts';
import { adoptForm } from '#lib/provisioning/adoptForms.ts';
import { adoptTenant } from '#lib/provisioning/adoptTenant.server.ts';
import { z } from 'zod';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'infrastructure:read');
	return {
		inside: await adoptedDatabases(db, event.params.id),
		plans: (await plansOnSale(db)).filter(({ isolation }) => isolation !== 'dedicated_ha'),
		mayLink: permissions.has('tenants:create'),
		mayLook: permissions.has('infrastructure:write')
	};
};

export const actions: Actions = {
	look: (event) => {
		requireStaff(event, 'infrastructure:write');
		const { id } = event.params;
		return answerForm(event.request, z.object({}), async () => {
			await adoptedDatabases(db, id);
			await transaction((tx) =>
				enqueue(tx, 'infrastructure.look-into-adopted', { containerId: id })
			);
			return { message: m.adopt_asked() };
		});
	},
	link: (event) => {
		requireStaff(event, 'tenants:create');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, adoptForm, async (input) => {
			const { slug } = await transaction((tx) => adoptTenant(tx, event.params.id, input, { by }));
			return { message: m.adopt_done({ subdomain: slug }) };
		});
	}
};
