import type { ChangeStatus, PriceInterval } from '#prisma/generated/enums.ts';

/** A change that Stripe is to make. */
export interface BilledChange {
	id: string;
	/** Stripe's id of the subscription. */
	subscription: string;
	toInterval: PriceInterval;
	toQuantity: number;
	prorationDate: Date | null;
	/** Minor units, as it was shown. */
	amountDue: number;
	stripeInvoiceId: string | null;
	effectiveAt: Date | null;
}

/** What became of a change. */
export interface Outcome {
	status: ChangeStatus;
	stripeInvoiceId?: string | null;
	/** Code of the sentence that people read. */
	error?: string | null;
	declineCode?: string | null;
	effectiveAt?: Date | null;
}
