import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import {
	activateDomain,
	deactivateDomain,
	endPrimary,
	makePrimary,
	removeDomain,
	verifyDomain
} from '#lib/domains/custom/customDomains.server.ts';
import { ownDomainView, withOwnDomain } from '#lib/domains/custom/ownDomains.server.ts';
import { toUnicode } from '#lib/domains/punycode.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireCustomer, requireStepUp } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, session } = requireCustomer(event, 'domains:read');
	const { auth } = event.locals;
	return {
		...(await ownDomainView(scope, event.params.id)),
		confirmed: auth !== null && session !== null && hasSteppedUp(auth)
	};
};

const nothing = z.object({});
// Whose domain it is comes before what was typed.
const removal = z.object({ confirm: z.string().trim().max(300).default('') });

export const actions: Actions = {
	verify: (event) => {
		const { scope } = requireCustomer(event, 'domains:manage');
		return answerForm(event.request, nothing, async () => {
			await withOwnDomain(scope, event.params.id, verifyDomain);
			return { message: m.domains_own_verify_asked() };
		});
	},
	activate: (event) => {
		const { scope } = requireCustomer(event, 'domains:manage');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, async () => {
			await withOwnDomain(scope, event.params.id, (tx, domain) => activateDomain(tx, domain, by));
			return { message: m.domains_own_activated() };
		});
	},
	deactivate: (event) => {
		const { scope } = requireCustomer(event, 'domains:manage');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, async () => {
			await withOwnDomain(scope, event.params.id, (tx, domain) => deactivateDomain(tx, domain, by));
			return { message: m.domains_own_deactivated() };
		});
	},
	make_primary: (event) => {
		const { scope } = requireCustomer(event, 'domains:manage');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, async () => {
			await withOwnDomain(scope, event.params.id, (tx, domain) => makePrimary(tx, domain, by));
			return { message: m.domains_own_primary_made() };
		});
	},
	end_primary: (event) => {
		const { scope } = requireCustomer(event, 'domains:manage');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, async () => {
			await withOwnDomain(scope, event.params.id, (tx, domain) => endPrimary(tx, domain, by));
			return { message: m.domains_own_primary_ended() };
		});
	},
	remove: (event) => {
		const { scope } = requireCustomer(event, 'domains:manage');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, removal, async ({ confirm }) => {
			await withOwnDomain(scope, event.params.id, async (tx, domain) => {
				const name = toUnicode(domain.hostname);
				if (confirm !== name && confirm !== domain.hostname)
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.tenant_confirm_differs({ name }) }
					});
				await removeDomain(tx, domain, by);
			});
			redirect(303, '/tenant/portal/domains');
		});
	}
};
