import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
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
import { toUnicode } from '#lib/domains/punycode.ts';
import { domainOfId } from '#lib/domains/custom/staffDomain.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = (event) => {
	requireStaff(event, 'domains:read');
};

const nothing = z.object({});

export const actions: Actions = {
	verify: (event) => {
		requireStaff(event, 'domains:write');
		return answerForm(event.request, nothing, async () => {
			await transaction(async (tx) => verifyDomain(tx, await domainOfId(tx, event.params.id)));
			return { message: m.domains_admin_asked() };
		});
	},
	activate: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, () =>
			transaction(async (tx) => {
				const domain = await domainOfId(tx, event.params.id);
				// The same button pressed twice: what was wanted is so.
				if (domain.status !== 'active') await activateDomain(tx, domain, by);
				return { message: m.domains_admin_activated({ domain: toUnicode(domain.hostname) }) };
			})
		);
	},
	deactivate: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, () =>
			transaction(async (tx) => {
				const domain = await domainOfId(tx, event.params.id);
				if (domain.status !== 'inactive') await deactivateDomain(tx, domain, by);
				return { message: m.domains_admin_deactivated({ domain: toUnicode(domain.hostname) }) };
			})
		);
	},
	primary: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, () =>
			transaction(async (tx) => {
				const domain = await domainOfId(tx, event.params.id);
				await makePrimary(tx, domain, by);
				return { message: m.domains_admin_primary_done({ domain: toUnicode(domain.hostname) }) };
			})
		);
	},
	endPrimary: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, async () => {
			await transaction(async (tx) => endPrimary(tx, await domainOfId(tx, event.params.id), by));
			return { message: m.domains_admin_end_primary_done() };
		});
	},
	remove: (event) => {
		requireStaff(event, 'domains:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({ confirm: z.string().trim() }), async (input) => {
			await transaction(async (tx) => {
				const domain = await domainOfId(tx, event.params.id);
				const name = toUnicode(domain.hostname);
				if (![name, domain.hostname].includes(input.confirm.toLowerCase()))
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.domains_admin_confirm_differs({ name }) }
					});
				if (domain.status !== 'removed') await removeDomain(tx, domain, by);
			});
			redirect(303, '/admin/domains');
		});
	}
};
