import { setting } from '#lib/settings/settings.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { taxIdKind } from './taxIds.ts';

export interface TaxFacts {
	country: string | null;
	taxId: string | null;
	taxIdType: string | null;
	/** Stripe's words: none, exempt, reverse. */
	taxExempt: string;
}

export interface SellerRule {
	/** ISO 3166-1 alpha-2 of who sells. */
	country: string;
	reverseCharge: boolean;
}

/**
 * How tax is charged from now on: a company with a valid tax id outside the seller's country owes it itself, when the
 * setting says so. Staff's `exempt` stays.
 */
export function taxExemptOf(facts: TaxFacts, seller: SellerRule): 'none' | 'exempt' | 'reverse' {
	if (facts.taxExempt === 'exempt') return 'exempt';
	const { country, taxId, taxIdType } = facts;
	const isCompany = Boolean(taxId && taxIdType && taxIdKind(country, taxIdType)?.business);
	return seller.reverseCharge && isCompany && country !== seller.country ? 'reverse' : 'none';
}

export async function sellerRule(): Promise<SellerRule> {
	return {
		country: await setting('billing.seller_country'),
		reverseCharge: await setting('billing.reverse_charge')
	};
}

/** The sentence that stands on an invoice without tax; null where tax is charged as usual. */
export function taxSentence(taxExempt: string, locale: 'es' | 'en'): string | null {
	return taxExempt === 'reverse' ? m.invoice_reverse_charge({}, { locale }) : null;
}
