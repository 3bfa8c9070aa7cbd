import { env } from '#lib/core/env.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { money } from '#lib/ui/format.ts';
import { notify } from '../notifications/notifications.server.ts';
import { queueMail } from '../notifications/mail.server.ts';
import { notificationSentence } from '../notifications/sentences.ts';

interface Said {
	tenant: { id: string; slug: string; customerId: string };
	plan: { name: string };
	/** Saying the same thing twice tells it once. */
	key: string;
}

export type PlanMoveNews =
	/** Nothing was paid for it, or less is: it is tried again. */
	| { what: 'waits' }
	/** @property hours until what was paid comes back */
	| { what: 'turned_back'; hours: number }
	/** @property credit minor units */
	| { what: 'given_back'; credit: number; currency: string };

/**
 * Tells a customer honestly what becomes of a plan whose instance could not be moved, in the portal and by mail.
 * @returns false when it was said before
 */
export async function tellPlanMove(
	tx: Tx,
	{ tenant, plan, key }: Said,
	news: PlanMoveNews
): Promise<boolean> {
	const customer = await tx.customer.findUniqueOrThrow({ where: { id: tenant.customerId } });
	const locale = customer.locale === 'en' ? 'en' : 'es';
	const kind = `plan_move_${news.what}`;
	const data = {
		...{ slug: tenant.slug, plan: plan.name },
		...(news.what === 'turned_back' && { hours: String(news.hours) }),
		...(news.what === 'given_back' && { credit: money(news.credit, news.currency, locale) })
	};
	const isNew = await notify(tx, {
		customerId: tenant.customerId,
		kind,
		severity: news.what === 'given_back' ? 'info' : 'warning',
		data,
		href: '/tenant/portal/billing',
		dedupeKey: key
	});
	if (isNew)
		await queueMail(tx, {
			template: 'plan_move',
			userId: null,
			customerId: tenant.customerId,
			to: customer.email,
			locale,
			data: {
				name: customer.fullName,
				sentence: notificationSentence(kind, data, { locale }),
				url: `${env.ORIGIN}/tenant/portal/billing`
			},
			dedupeKey: key
		});
	return isNew;
}
