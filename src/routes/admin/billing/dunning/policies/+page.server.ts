import { z } from 'zod';
import { fieldsOf, policyForm } from '#lib/billing/dunningPolicyForm.ts';
import { makeDefault, policiesInForce, savePolicy } from '#lib/billing/dunningPolicies.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'billing:read');
	const policies = await policiesInForce(db);
	return {
		policies: policies.map((policy) => ({ ...policy, fields: fieldsOf(policy.stages) })),
		hour: await setting('billing.dunning_hour'),
		timeZone: await setting('general.timezone'),
		stripeRetries: await setting('billing.stripe_retries'),
		mayEdit: staff.permissions.has('billing:write'),
		crumbs: [
			{ label: m.admin_nav_billing(), href: '/admin/billing' },
			{ label: m.dunning_title(), href: '/admin/billing/dunning' },
			{ label: m.dunning_policies() }
		]
	};
};

const saved = z.intersection(
	policyForm,
	z.object({
		/** Of the policy that is edited; a new one has none. */
		key: z.string().trim().max(60).default(''),
		seen: z.coerce.number().int().optional(),
		move: z.string().optional()
	})
);

export const actions: Actions = {
	save: (event) => {
		requireStaff(event, 'billing:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, saved, async ({ key, seen, move, ...policy }) => {
			const { moved } = await transaction((tx) =>
				savePolicy(tx, {
					key: key || crypto.randomUUID(),
					seen: key ? (seen ?? null) : null,
					policy,
					moveOpen: move === 'on',
					by
				})
			);
			return {
				message: moved ? m.dunning_policy_saved_moved({ count: moved }) : m.dunning_policy_saved()
			};
		});
	},
	makeDefault: (event) => {
		requireStaff(event, 'billing:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({ policy: z.uuid() }), async ({ policy }) => {
			await transaction((tx) => makeDefault(tx, policy, by));
			return { message: m.dunning_policy_is_default() };
		});
	}
};
