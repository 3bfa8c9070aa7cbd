/** Stripe's words for card brands, as they are written on the cards. */
const BRANDS: Record<string, string> = {
	amex: 'American Express',
	diners: 'Diners Club',
	discover: 'Discover',
	jcb: 'JCB',
	mastercard: 'Mastercard',
	unionpay: 'UnionPay',
	visa: 'Visa'
};

/** "American Express"; a brand that we do not know is shown as Stripe calls it, and none as nothing. */
export function cardBrand(brand: string | null): string {
	return brand === null || brand === 'unknown' ? '' : (BRANDS[brand] ?? brand);
}
