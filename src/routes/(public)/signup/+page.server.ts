import { redirect } from '@sveltejs/kit';
import { message, setError, superValidate } from 'sveltekit-superforms';
import { zod4 } from 'sveltekit-superforms/adapters';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { likelyBaseDomain, likelyPlan } from '#lib/plans/planCards.server.ts';
import { countries, likelyCountry } from '#lib/provisioning/countries.server.ts';
import { cardsOnOffer } from '#lib/provisioning/onOffer.server.ts';
import { signupDraft } from '#lib/provisioning/signupDraft.server.ts';
import { rememberSignup, signupOf } from '#lib/provisioning/signupCookie.server.ts';
import { openSignup } from '#lib/provisioning/signups.server.ts';
import { signupSchema } from '#lib/provisioning/schema.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	const { searchParams } = event.url;
	const draft = await signupDraft(db, signupOf(event.cookies));
	const asked = { plan: searchParams.get('plan'), subdomain: searchParams.get('subdomain') };
	const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value));
	const plans = await cardsOnOffer();
	const likely = {
		plan: likelyPlan(plans)?.key ?? '',
		country: likelyCountry(event.request.headers.get('accept-language')) ?? ''
	};
	const known = { ...likely, ...draft, ...given };
	return {
		form: await superValidate(known, zod4(signupSchema), { errors: false }),
		plans,
		countries: countries(event.locals.locale),
		/** Of the plan's cards, until one is chosen. */
		baseDomain: likelyBaseDomain(plans),
		cancelled: searchParams.has('cancelled')
	};
};

export const actions: Actions = {
	default: async (event) => {
		publicRoute(event);
		const form = await superValidate(event, zod4(signupSchema));
		if (!form.valid) return message(form, new AppError('BAD_INPUT').sentence, { status: 400 });
		const visitor = {
			ip: event.locals.ip,
			locale: event.locals.locale,
			signupId: signupOf(event.cookies)
		};
		let opened;
		try {
			opened = await openSignup(form.data, visitor);
		} catch (error) {
			if (!(error instanceof AppError)) throw error;
			const field = FIELDS[error.code];
			return field
				? setError(form, field, error.sentence)
				: message(form, error.sentence, { status: 409 });
		}
		rememberSignup(event.cookies, opened.signupId);
		redirect(303, opened.url);
	}
};

/** Which field a refusal is about; the others are said above the form. */
const FIELDS: Partial<Record<AppError['code'], 'subdomain' | 'plan'>> = {
	NAME_TAKEN: 'subdomain',
	NAME_RESERVED: 'subdomain',
	PLAN_NOT_FOUND: 'plan',
	PLAN_NOT_PURCHASABLE: 'plan'
};
