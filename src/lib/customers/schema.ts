import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { CUSTOMER_STATUSES } from './customerStates.ts';

const text = (max: number) =>
	z
		.string()
		.trim()
		.max(max, { error: () => m.signup_too_long({ max }) });
const required = (missing: () => string, max: number) => text(max).min(1, { error: missing });
const optional = (max: number) => text(max).nullable();

/** Every field that a person may change, as forms, files and the API write it. */
export const customerFields = {
	company_name: required(() => m.signup_company_missing(), 120),
	full_name: required(() => m.signup_name_missing(), 120),
	email: z
		.string()
		.trim()
		.toLowerCase()
		.pipe(z.email({ error: () => m.signup_email_bad() }).max(254)),
	phone: text(40)
		.regex(/^\+?[\d\s().-]{6,}$/, { error: () => m.customer_phone_bad() })
		.nullable(),
	country: z
		.string()
		.trim()
		.toUpperCase()
		.regex(/^[A-Z]{2}$/, { error: () => m.signup_country_missing() })
		.nullable(),
	tax_id: optional(40),
	/** Stripe's word, such as ec_ruc; found out from country and number when absent. */
	tax_id_type: optional(20),
	address_line: optional(200),
	city: optional(100),
	state: optional(100),
	postal_code: optional(20),
	locale: z.enum(['es', 'en'])
};

/** What only staff see and decide. */
const staffFields = {
	/** `auto`: reverse charge where the rule says so, else none. */
	tax_exempt: z.enum(['auto', 'exempt']),
	notes: optional(4_000)
};

/** What staff may change. */
export const partialFields = z.object({ ...customerFields, ...staffFields }).partial();
export type CustomerChanges = z.output<typeof partialFields>;
export type CustomerFieldName = keyof CustomerChanges;

/** PATCH: the version that was read, and what is to be different. */
export const patchCustomerSchema = partialFields.extend({ version: z.number().int() }).strict();

/** What the portal's people may change of their own company. */
export const companySchema = z.object(customerFields).partial();

export const createCustomerSchema = z.object({
	company_name: customerFields.company_name,
	/** The company by default. */
	full_name: customerFields.full_name.nullish(),
	email: customerFields.email,
	phone: customerFields.phone.optional(),
	country: customerFields.country.optional(),
	tax_id: customerFields.tax_id.optional(),
	tax_id_type: customerFields.tax_id_type.optional(),
	address_line: customerFields.address_line.optional(),
	city: customerFields.city.optional(),
	state: customerFields.state.optional(),
	postal_code: customerFields.postal_code.optional(),
	locale: customerFields.locale.optional(),
	notes: staffFields.notes.optional()
});
export type CreateCustomerInput = z.output<typeof createCustomerSchema>;

/** Out of a form, where what is left empty arrives as an empty text: null, or nothing where a field must be filled in. */
export function formOf<S extends z.ZodType>(schema: S, mustFill: readonly string[] = []) {
	return z.preprocess(
		(given) =>
			typeof given === 'object' && given !== null
				? Object.fromEntries(
						Object.entries(given).map(([name, value]) => [
							name,
							value === '' && !mustFill.includes(name) ? null : value
						])
					)
				: given,
		schema
	);
}

/** Names that a form may not leave empty. */
export const MUST_FILL = ['company_name', 'full_name', 'email', 'locale', 'tax_exempt'];

/** A customer as the API shows it. */
export const customerSchema = z.object({
	id: z.uuid(),
	company_name: z.string(),
	full_name: z.string(),
	email: z.string(),
	phone: z.string().nullable(),
	country: z.string().nullable(),
	tax_id: z.string().nullable(),
	tax_id_type: z.string().nullable(),
	tax_exempt: z.string(),
	address_line: z.string().nullable(),
	city: z.string().nullable(),
	state: z.string().nullable(),
	postal_code: z.string().nullable(),
	locale: z.string(),
	notes: z.string().nullable(),
	status: z.enum(CUSTOMER_STATUSES),
	/** Key of the plan of its newest live subscription. */
	plan: z.string().nullable(),
	stripe_customer_id: z.string().nullable(),
	version: z.number().int(),
	created_at: z.iso.datetime(),
	updated_at: z.iso.datetime(),
	deleted_at: z.iso.datetime().nullable(),
	erased_at: z.iso.datetime().nullable()
});
export type CustomerView = z.output<typeof customerSchema>;
