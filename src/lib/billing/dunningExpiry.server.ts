import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { startOfMonth } from '#lib/core/dates.ts';
import { isLocale } from '#lib/notifications/locale.ts';
import { queueMail } from '#lib/notifications/mail.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { date, money, month } from '#lib/ui/format.ts';
import { cardBrand } from './cardWords.ts';
import { payersOf } from './dunningMails.server.ts';

/** How long before the charge that it will miss a card's end is told. */
const NOTICE_DAYS = 30;
const MOST = 1_000;

/**
 * Tells of cards that will have expired by the next charge, once for each expiry date: within 30 days before that
 * charge, to those who pay. A card is good until the end of its month.
 * @returns how many were told
 */
export async function tellExpiring(): Promise<number> {
	const at = now();
	const zone = await setting('general.timezone');
	const rows = await db.$queryRaw<{ id: string; subscriptionId: string }[]>`
		SELECT DISTINCT ON (method.id) method.id, subscription.id AS "subscriptionId"
		FROM payment_methods method
		JOIN subscriptions subscription ON subscription.customer_id = method.customer_id
		WHERE method.is_default AND method.exp_year IS NOT NULL AND method.exp_month IS NOT NULL
			AND subscription.billing_mode = 'stripe' AND subscription.status IN ('active', 'past_due')
			AND subscription.cancel_at IS NULL AND subscription.disputed_at IS NULL
			AND subscription.current_period_end > ${at}
			AND subscription.current_period_end <= ${after(at, NOTICE_DAYS * DAY)}
			AND make_timestamptz(method.exp_year, method.exp_month, 1, 0, 0, 0, ${zone}) + interval '1 month'
				<= subscription.current_period_end
			AND (method.expiry_told_at IS NULL
				OR method.expiry_told_at < make_timestamptz(method.exp_year, method.exp_month, 1, 0, 0, 0, ${zone}) - interval '4 months')
		ORDER BY method.id, subscription.current_period_end
		LIMIT ${MOST}`;
	for (const { id, subscriptionId } of rows) await tell(id, subscriptionId, zone, at);
	return rows.length;
}

async function tell(methodId: string, subscriptionId: string, zone: string, at: Date) {
	await transaction(async (tx) => {
		const method = await tx.paymentMethod.findUniqueOrThrow({ where: { id: methodId } });
		const { customer, ...subscription } = await tx.subscription.findUniqueOrThrow({
			where: { id: subscriptionId },
			select: {
				amount: true,
				quantity: true,
				currency: true,
				currentPeriodEnd: true,
				customer: { select: { companyName: true } }
			}
		});
		const { expYear, expMonth } = method;
		const charge = subscription.currentPeriodEnd;
		if (!expYear || !expMonth || !charge) return;
		// The middle of the month is in it in every zone.
		const expires = new Date(Date.UTC(expYear, expMonth - 1, 15));
		for (const { address, name, locale } of await payersOf(tx, method.customerId)) {
			const words = isLocale(locale) ? locale : 'es';
			await queueMail(tx, {
				template: 'card_expires',
				userId: null,
				customerId: method.customerId,
				to: address,
				locale: words,
				data: {
					name,
					company: customer.companyName,
					brand: cardBrand(method.brand),
					last4: method.last4 ?? '····',
					month: month(startOfMonth(expires, zone), words, zone),
					amount: money(subscription.amount * subscription.quantity, subscription.currency, words),
					date: date(charge, words, zone)
				},
				dedupeKey: `card-expires:${method.id}:${expYear}-${expMonth}:${address.toLowerCase()}`
			});
		}
		await tx.paymentMethod.update({ where: { id: method.id }, data: { expiryToldAt: at } });
	});
}
