import { env } from '#lib/core/env.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { queueMail } from '#lib/notifications/mail.server.ts';
import { notify, type Severity } from '#lib/notifications/notifications.server.ts';
import { notificationSentence } from '#lib/notifications/sentences.ts';
import { date } from '#lib/ui/format.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { LimitAct } from '#prisma/generated/client.ts';
import { now } from '#lib/core/clock.server.ts';
import type { Step } from './limits.ts';
import type { ResourceName } from './limits.ts';
import { resourceText } from './limitWords.ts';
import type { Subject } from './use.server.ts';

/** Something about a limit that people must know. */
export interface Told {
	what: Step | 'over' | 'act' | 'lift';
	resource: ResourceName;
	/** Of the instance; null for what is counted over all of them. */
	slug: string | null;
	subject: Subject;
	/** In the unit of measurement. */
	used: number;
	amount: number;
	act: LimitAct;
	/** When the act comes; null when none does. */
	actsAt: Date | null;
}

const SEVERITIES: Record<'over' | 'act' | 'lift', Severity> = {
	over: 'error',
	act: 'error',
	lift: 'success'
};

/** Tells the owner by mail, the customer in the portal and staff in theirs. */
export async function tellLimit(tx: Tx, told: Told): Promise<void> {
	const { customerId, tenantId } = told.subject;
	const customer = await tx.customer.findUniqueOrThrow({ where: { id: customerId } });
	const locale = customer.locale === 'en' ? 'en' : 'es';
	const zone = await setting('general.timezone');
	const kind = typeof told.what === 'number' ? 'limit_near' : `limit_${told.what}`;
	const data = {
		resource: told.resource,
		used: resourceText(told.resource, told.used, locale),
		limit: resourceText(told.resource, told.amount, locale),
		step: typeof told.what === 'number' ? told.what : 100,
		slug: told.slug ?? customer.companyName,
		act: told.act,
		...(told.actsAt && { until: date(told.actsAt, locale, zone) })
	};
	const severity = typeof told.what === 'number' ? 'warning' : SEVERITIES[told.what];
	const moment = now().toISOString();
	const key = `limit:${tenantId ?? customerId}:${told.resource}:${told.what}:${moment}`;
	await notify(tx, {
		customerId,
		kind,
		severity,
		data,
		href: '/tenant/portal',
		dedupeKey: key
	});
	await notify(tx, {
		permission: 'tenants:read',
		kind,
		severity,
		data: { ...data, company: customer.companyName },
		href: tenantId ? `/admin/tenants/${tenantId}/usage` : `/admin/customers/${customerId}`,
		dedupeKey: `staff:${key}`
	});
	await queueMail(tx, {
		template: 'limit',
		userId: null,
		customerId,
		to: customer.email,
		locale,
		data: {
			name: customer.fullName,
			sentence: notificationSentence(kind, data, { locale }),
			url: `${env.ORIGIN}/tenant/portal`
		},
		dedupeKey: key
	});
}
