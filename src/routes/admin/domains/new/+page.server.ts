import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { addDomain } from '#lib/domains/custom/customDomains.server.ts';
import { besideDomainField } from '#lib/domains/custom/domainForms.ts';
import { searchTargets, targetChoice } from '#lib/domains/custom/domainTarget.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

const LONGEST = 200;

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'domains:write');
	const { searchParams } = event.url;
	const q = (searchParams.get('q') ?? '').trim().slice(0, LONGEST);
	const only = await companyOf(searchParams.get('customer'));
	const chosen = await targetChoice(db, searchParams.get('tenant') ?? '');
	const found = await searchTargets(db, q, { customerId: only?.id });
	return {
		q,
		only,
		chosen,
		found,
		// Of a search without scripts, which sends the form as an address.
		typed: (searchParams.get('domain') ?? '').slice(0, LONGEST),
		crumbs: [{ label: m.domains_title(), href: '/admin/domains' }, { label: m.domains_new_crumb() }]
	};
};

async function companyOf(id: string | null) {
	if (!id || !z.uuid().safeParse(id).success) return null;
	return db.customer.findUnique({ where: { id }, select: { id: true, companyName: true } });
}

const form = z.object({
	domain: z
		.string()
		.trim()
		.min(1, { error: () => m.domains_new_empty() })
		.max(300),
	tenant: z.uuid({ error: () => m.domains_new_choose_one() }),
	with_www: z.literal('on').optional()
});

export const actions: Actions = {
	default: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, form, async ({ domain, tenant, with_www }) => {
			const wanted = { tenantId: tenant, hostname: domain, withSibling: with_www === 'on' };
			const [added] = await transaction((tx) => addDomain(tx, wanted, by)).catch(
				(error: unknown) => {
					throw besideDomainField(error);
				}
			);
			redirect(303, `/admin/domains/${added!.id}`);
		});
	}
};
