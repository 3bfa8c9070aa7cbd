import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';

/** What the bank says to a dispute, for Badge. */
export function disputeStatus(status: string): { label: string; tone: Tone } {
	switch (status) {
		case 'won':
			return { label: m.dispute_won(), tone: 'success' };
		case 'lost':
			return { label: m.dispute_lost(), tone: 'danger' };
		case 'warning_closed':
		case 'prevented':
			return { label: m.dispute_closed(), tone: 'neutral' };
		case 'warning_needs_response':
		case 'warning_under_review':
			return { label: m.dispute_asked(), tone: 'warning' };
		default:
			return { label: m.dispute_open(), tone: 'warning' };
	}
}

/** Stripe's reasons (docs.stripe.com/disputes/categories). */
const REASONS: Record<string, () => string> = {
	fraudulent: m.dispute_reason_fraudulent,
	unrecognized: m.dispute_reason_unrecognized,
	duplicate: m.dispute_reason_duplicate,
	subscription_canceled: m.dispute_reason_canceled,
	product_not_received: m.dispute_reason_not_received,
	product_unacceptable: m.dispute_reason_unacceptable,
	credit_not_processed: m.dispute_reason_no_credit
};

/** Why the holder of the card disputes it, as the bank says. */
export function disputeReason(reason: string): string {
	return (REASONS[reason] ?? m.dispute_reason_general)();
}
