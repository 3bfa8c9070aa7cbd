import { env } from '#lib/core/env.server.ts';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { date } from '#lib/ui/format.ts';
import type { CustomDomain } from '#prisma/generated/client.ts';
import { queueMail } from '../../notifications/mail.server.ts';
import { notify, type Severity } from '../../notifications/notifications.server.ts';
import { notificationSentence } from '../../notifications/sentences.ts';
import { setting } from '../../settings/settings.server.ts';
import { findingSentence } from './domainWords.ts';
import type { Finding } from '../doctor/domainTypes.ts';
import { toUnicode } from '../punycode.ts';

type Told = Pick<CustomDomain, 'id' | 'customerId' | 'tenantId' | 'hostname'>;

/** It works for the first time. */
export const tellVerified = (tx: Tx, domain: Told) => tell(tx, domain, 'verified', 'success', {});

export const tellRestored = (tx: Tx, domain: Told) => tell(tx, domain, 'restored', 'success', {});

/** It stopped working. @param finding the one thing to change; null when nobody knows */
export function tellBroken(tx: Tx, domain: Told, finding: Finding | null): Promise<void> {
	const reason = (locale: 'es' | 'en') => (finding ? findingSentence(finding, { locale }) : '');
	return tell(tx, domain, 'broken', 'error', { reason_es: reason('es'), reason_en: reason('en') });
}

/** Its token is gone. @param until when it stops being served */
export async function tellUnproven(tx: Tx, domain: Told, until: Date): Promise<void> {
	const zone = await setting('general.timezone');
	const { locale } = await tx.customer.findUniqueOrThrow({ where: { id: domain.customerId } });
	const day = date(until, locale === 'en' ? 'en' : 'es', zone);
	await tell(tx, domain, 'unproven', 'warning', { until: day });
}

/** Nothing proves any more that it is theirs. */
export const tellLost = (tx: Tx, domain: Told) => tell(tx, domain, 'lost', 'error', {});

/** The owner by mail, the company in its portal, staff in theirs. */
async function tell(
	tx: Tx,
	domain: Told,
	what: 'verified' | 'broken' | 'restored' | 'unproven' | 'lost',
	severity: Severity,
	more: Record<string, string>
): Promise<void> {
	const { customerId, id } = domain;
	const customer = await tx.customer.findUniqueOrThrow({ where: { id: customerId } });
	const tenant = await tx.tenant.findUniqueOrThrow({
		where: { id: domain.tenantId },
		select: { slug: true, baseDomain: { select: { name: true } } }
	});
	const name = toUnicode(domain.hostname);
	const data = { domain: name, fallback: `${tenant.slug}.${tenant.baseDomain.name}`, ...more };
	const kind = `domain_${what}`;
	const dedupeKey = `domain:${id}:${what}:${now().toISOString()}`;
	const href = `/tenant/portal/domains/${id}`;
	await notify(tx, { customerId, kind, severity, data, href, dedupeKey });
	await notify(tx, {
		...{ permission: 'domains:read', kind, severity, href: `/admin/domains/${id}` },
		data: { ...data, company: customer.companyName },
		dedupeKey: `staff:${dedupeKey}`
	});
	const locale = customer.locale === 'en' ? 'en' : 'es';
	await queueMail(tx, {
		...{ template: 'domain', userId: null, customerId, to: customer.email, locale, dedupeKey },
		data: {
			name: customer.fullName,
			domain: name,
			sentence: notificationSentence(kind, data, { locale }),
			url: `${env.ORIGIN}${href}`
		}
	});
}
