import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { asCustomer } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { verifyDomain } from '#lib/domains/custom/customDomains.server.ts';
import {
	addOwnDomain,
	domainInstances,
	ownDomainView,
	readTyped,
	withOwnDomain
} from '#lib/domains/custom/ownDomains.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

/** The address keeps the step: `?domain=` what was typed, `?edit=` the same to type on, `?id=` what was added. */
export const load: PageServerLoad = async (event) => {
	const { scope, customerId } = requireCustomer(event, 'domains:manage');
	const id = event.url.searchParams.get('id');
	if (id) {
		const { view } = await ownDomainView(scope, id);
		return { typed: view.hostname, read: null, instances: [], view };
	}
	const edited = event.url.searchParams.get('edit');
	const typed = (edited ?? event.url.searchParams.get('domain'))?.slice(0, 500) ?? null;
	const isRead = typed !== null && edited === null;
	return asCustomer(scope, async (tx) => ({
		typed,
		read: isRead ? await readTyped(tx, customerId, typed) : null,
		instances: await domainInstances(tx, customerId),
		view: null
	}));
};

const adding = z.object({
	domain: z.string().max(500),
	tenant_id: z.uuid(),
	names: z.enum(['both', 'one']).default('one')
});
const looking = z.object({ domain_id: z.uuid() });

export const actions: Actions = {
	add: (event) => {
		const { scope } = requireCustomer(event, 'domains:manage');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, adding, async ({ domain, tenant_id, names }) => {
			const wanted = { tenantId: tenant_id, hostname: domain, withSibling: names === 'both' };
			const { id } = await addOwnDomain(scope, wanted, by);
			redirect(303, `/tenant/portal/domains/new?id=${id}`);
		});
	},
	verify: (event) => {
		const { scope } = requireCustomer(event, 'domains:manage');
		return answerForm(event.request, looking, async ({ domain_id }) => {
			await withOwnDomain(scope, domain_id, verifyDomain);
			return { message: m.domains_own_verify_asked() };
		});
	}
};
