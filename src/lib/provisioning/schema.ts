import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { slugProblem, type SlugProblem } from './slug.ts';

const PROBLEMS: Record<SlugProblem, () => string> = {
	too_short: () => m.signup_slug_too_short(),
	too_long: () => m.signup_slug_too_long(),
	bad_characters: () => m.signup_slug_bad_characters(),
	punycode: () => m.signup_slug_punycode(),
	reserved: () => m.error_name_reserved()
};

/** The sentence beside the field; null when the name is fine in itself. */
export function slugSentence(slug: string): string | null {
	const problem = slugProblem(slug);
	return problem && PROBLEMS[problem]();
}

export const slugField = z
	.string()
	.trim()
	.toLowerCase()
	.superRefine((slug, check) => {
		const sentence = slugSentence(slug);
		if (sentence) check.addIssue({ code: 'custom', message: sentence });
	});

export const emailField = z
	.string()
	.trim()
	.toLowerCase()
	.pipe(z.email({ error: () => m.signup_email_bad() }).max(254));

const text = (missing: () => string, max: number) =>
	z
		.string()
		.trim()
		.min(1, { error: missing })
		.max(max, { error: () => m.signup_too_long({ max }) });

/** What a visitor types. No password: the mailed link proves the address. */
export const signupSchema = z.object({
	plan: z.string().min(1, { error: () => m.signup_plan_missing() }),
	company_name: text(() => m.signup_company_missing(), 120),
	full_name: text(() => m.signup_name_missing(), 120),
	email: emailField,
	subdomain: slugField,
	country: z
		.string()
		.trim()
		.toUpperCase()
		.regex(/^[A-Z]{2}$/, { error: () => m.signup_country_missing() }),
	// Not a literal: a form would begin with its only value, already accepted.
	terms: z.boolean().refine((accepted) => accepted, { error: () => m.signup_terms_missing() })
});
export type SignupInput = z.infer<typeof signupSchema>;

/** What staff send to make a tenant without Checkout. */
export const createTenantSchema = z
	.object({
		company_name: text(() => m.signup_company_missing(), 120),
		full_name: text(() => m.signup_name_missing(), 120).optional(),
		email: emailField,
		subdomain: slugField,
		plan: z.string().min(1, { error: () => m.signup_plan_missing() }),
		country: z
			.string()
			.trim()
			.toUpperCase()
			.regex(/^[A-Z]{2}$/, { error: () => m.signup_country_missing() })
			.optional(),
		billing: z.enum(['invoice', 'checkout_link', 'free']).default('invoice'),
		billing_reason: z.string().trim().max(500).optional()
	})
	.refine((input) => input.billing !== 'free' || Boolean(input.billing_reason), {
		path: ['billing_reason'],
		error: () => m.tenants_billing_reason_missing()
	});
export type CreateTenantInput = z.infer<typeof createTenantSchema>;

/** The same out of a form, where what is left empty arrives as an empty text. */
export const createTenantForm = z.preprocess(
	(given) =>
		typeof given === 'object' && given !== null
			? Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
			: given,
	createTenantSchema
);

/** One more instance for a company that exists: what is known of it is not asked for again. */
export const moreTenantForm = z.preprocess(
	(given) =>
		typeof given === 'object' && given !== null
			? Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
			: given,
	z
		.object({
			subdomain: slugField,
			plan: z.string().min(1, { error: () => m.signup_plan_missing() }),
			billing: z.enum(['invoice', 'checkout_link', 'free']).default('invoice'),
			billing_reason: z.string().trim().max(500).optional()
		})
		.refine((input) => input.billing !== 'free' || Boolean(input.billing_reason), {
			path: ['billing_reason'],
			error: () => m.tenants_billing_reason_missing()
		})
);

/** "How many more of this plan?", as the page and the API ask it. */
export const saleQuestion = z.object({
	plan: z.string().max(60),
	count: z.coerce.number().int().min(1).max(1000)
});
