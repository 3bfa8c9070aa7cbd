import { m } from '#i18n/paraglide/messages.js';
import { date } from '#lib/ui/format.ts';

/**
 * What a line of an invoice is for, in the reader's language: Stripe writes these sentences in English, whatever language
 * the customer reads. One that we do not know stays as it is.
 * @param locale BCP 47
 */
export function lineWords(description: string, locale: string): string {
	const sold = /^(\d+ × .+) \(at .+ \/ (month|year)\)$/.exec(description);
	if (sold?.[1])
		return m.invoice_line_period({
			what: sold[1],
			period: sold[2] === 'year' ? m.plans_yearly() : m.plans_monthly()
		});
	const prorated = /^(Unused|Remaining) time on (.+) after (\d{1,2} [A-Z][a-z]{2} \d{4})$/.exec(
		description
	);
	if (prorated?.[2] && prorated[3]) {
		const words = prorated[1] === 'Unused' ? m.invoice_line_unused : m.invoice_line_remaining;
		const day = new Date(`${prorated[3]} UTC`);
		return words({ what: prorated[2], date: date(day, locale, 'UTC') });
	}
	const tried = /^Trial period for (.+)$/.exec(description);
	if (tried?.[1]) return m.invoice_line_trial({ what: tried[1] });
	return description === 'Unused time after cancellation'
		? m.invoice_line_unused_end()
		: description;
}
