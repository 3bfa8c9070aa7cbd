import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import { CUSTOMER_STATUSES, type CustomerStatus } from './customerStates.ts';
import { taxIdKind, type TaxIdProblem, type TaxIdKind } from './taxIds.ts';

const STATUSES: Record<CustomerStatus, { label: () => string; tone: Tone }> = {
	pending: { label: m.customer_status_pending, tone: 'info' },
	active: { label: m.customer_status_active, tone: 'success' },
	inactive: { label: m.customer_status_inactive, tone: 'neutral' },
	deleted: { label: m.customer_status_deleted, tone: 'neutral' }
};

/** A customer's state for Badge. */
export function customerStatus(status: CustomerStatus): { label: string; tone: Tone } {
	return { label: STATUSES[status].label(), tone: STATUSES[status].tone };
}

export function isCustomerStatus(name: string): name is CustomerStatus {
	return CUSTOMER_STATUSES.some((status) => status === name);
}

const FIELDS: Record<string, () => string> = {
	status: m.tenants_status,
	company_name: m.customer_field_company_name,
	full_name: m.customer_field_full_name,
	email: m.customer_field_email,
	phone: m.customer_field_phone,
	country: m.customer_field_country,
	tax_id: m.customer_field_tax_id,
	tax_id_type: m.customer_field_tax_id_type,
	tax_exempt: m.customer_field_tax_exempt,
	address_line: m.customer_field_address_line,
	city: m.customer_field_city,
	state: m.customer_field_state,
	postal_code: m.customer_field_postal_code,
	locale: m.customer_field_locale,
	notes: m.customer_field_notes
};

/** A field of a customer by its name in forms, files and the API. */
export function customerField(name: string): string {
	return FIELDS[name]?.() ?? name;
}

/** Why a number cannot be a tax id, with an example of one. */
export function taxIdSentence(problem: TaxIdProblem, kind: TaxIdKind | null): string {
	if (!kind || problem === 'unknown_kind') return m.tax_id_unknown_kind();
	const about = { name: kind.name, example: kind.example };
	return problem === 'format' ? m.tax_id_format(about) : m.tax_id_check_digit(about);
}

/** "RUC 1790016919001"; null without one. */
export function taxIdText(customer: {
	country: string | null;
	taxId: string | null;
	taxIdType: string | null;
}): string | null {
	const { country, taxId, taxIdType } = customer;
	if (!taxId) return null;
	const kind = taxIdType ? taxIdKind(country, taxIdType) : null;
	return kind ? `${kind.name} ${taxId}` : taxId;
}

/** How tax is charged, in Stripe's words put into ours. */
export function taxExemption(taxExempt: string): string {
	if (taxExempt === 'exempt') return m.tax_exempt_exempt();
	return taxExempt === 'reverse' ? m.tax_exempt_reverse() : m.tax_exempt_none();
}
