import type { Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { Alert, Prisma } from '#prisma/generated/client.ts';
import type { AlertSeverity } from '#prisma/generated/enums.ts';
import { isLocale, type MailLocale } from '../locale.ts';
import { queueMail } from '../mail.server.ts';
import { notify } from '../notifications.server.ts';
import { factsOf, notificationSentence, subjectHref } from '../sentences.ts';
import { queueWebhooks, type WebhookEvent } from '../webhooks/deliveries.server.ts';
import { isWorse } from './judgement.ts';
import { muteSilenced } from './silenced.server.ts';

/** Of alerts that no rule governs. */
const WITHOUT_RULE = ['web', 'mail', 'webhook'];

/** By which ways an alert of this rule is told; null: the rule is switched off. */
export async function channelsOf(tx: Tx, rule: string): Promise<string[] | null> {
	const found = await tx.alertRule.findUnique({
		where: { key: rule },
		select: { enabled: true, channels: true }
	});
	if (!found) return WITHOUT_RULE;
	return found.enabled ? found.channels : null;
}

/** So many at once are told as one: whoever reads them is to see that it is one event. */
const MANY = 20;

export type AlertNews = 'opened' | 'escalated';

/**
 * Tells staff that alerts of one rule have opened or become worse, by the channels of the rule; very many in one sentence.
 * Of those that are silenced nobody is told, which is written down: they are when the silence ends. The same is told once.
 */
export async function tellAlerts(
	tx: Tx,
	alerts: Alert[],
	news: AlertNews,
	channels: string[]
): Promise<void> {
	const muted = await muteSilenced(tx, alerts);
	const heard = alerts.filter(({ id }) => !muted.has(id));
	const first = heard[0];
	if (!first) return;
	if (heard.length > MANY) await tellMany(tx, heard, first, news, channels);
	else for (const alert of heard) await tellPeople(tx, sayingOf(alert, news), channels);
	await postAlerts(tx, heard, `alert.${news}`, channels);
}

/** Tells other systems what became of alerts of one rule, where its channels say so; of each by itself. */
export async function postAlerts(
	tx: Tx,
	alerts: Alert[],
	event: WebhookEvent,
	channels: string[]
): Promise<void> {
	if (!channels.includes('webhook')) return;
	const locale = await languageOf(tx);
	await queueWebhooks(
		tx,
		event,
		alerts.map((alert) => ({ data: payloadOf(alert, locale), dedupeKey: `${event}:${alert.id}` }))
	);
}

/**
 * The language in which something is said to an address: that of whoever of the staff has it, else the installation's own.
 * @param address absent: to nobody in particular
 */
async function languageOf(tx: Tx, address?: string): Promise<MailLocale> {
	const person = address
		? await tx.user.findFirst({
				where: { email: address.toLowerCase(), staffRoleId: { not: null } },
				select: { locale: true }
			})
		: null;
	const chosen = person?.locale ?? (await setting('general.locale'));
	return isLocale(chosen) ? chosen : 'es';
}

interface Saying {
	/** Names the sentence, whose values are `data`. */
	kind: string;
	severity: AlertSeverity;
	data: Record<string, Prisma.JsonValue>;
	/** Path of ours that shows more; null: that of its subject. */
	href: string | null;
	dedupeKey: string;
}

function sayingOf(
	{ id, rule, severity, subjectType, subjectId, data }: Alert,
	news: AlertNews
): Saying {
	return {
		...{ kind: rule, severity, data: { ...factsOf(data), subjectType, subjectId }, href: null },
		dedupeKey: news === 'opened' ? `alert:${id}` : `alert:${id}:escalated`
	};
}

async function tellMany(
	tx: Tx,
	alerts: Alert[],
	first: Alert,
	news: AlertNews,
	channels: string[]
): Promise<void> {
	const { metric, unit, threshold } = factsOf(first.data);
	const severities = alerts.map(({ severity }) => severity);
	const worst = severities.reduce((one, other) => (isWorse(other, one) ? other : one));
	const saying: Saying = {
		...{ kind: 'alerts_many', severity: worst },
		data: {
			...{ count: alerts.length, rule: first.rule },
			...{ metric: metric ?? null, unit: unit ?? null, threshold: threshold ?? null }
		},
		href: `/admin/alerts?rule=${encodeURIComponent(first.rule)}`,
		dedupeKey: `alerts:${first.id}:${news}`
	};
	await tellPeople(tx, saying, channels);
}

async function tellPeople(tx: Tx, saying: Saying, channels: string[]): Promise<void> {
	const { kind, severity, data, href, dedupeKey } = saying;
	if (channels.includes('web'))
		await notify(tx, {
			...{ permission: 'notifications:read', kind, data, href, dedupeKey },
			severity: severity === 'critical' ? 'error' : severity
		});
	if (channels.includes('mail')) await mailStaff(tx, saying);
}

/** To the staff's mailbox, where there is one. */
async function mailStaff(tx: Tx, { kind, data, href, dedupeKey }: Saying): Promise<void> {
	const to = await setting('notifications.staff_address');
	if (!to) return;
	const locale = await languageOf(tx, to);
	await queueMail(tx, {
		template: 'alert',
		userId: null,
		...{ to, locale },
		data: {
			name: await setting('general.platform_name'),
			sentence: notificationSentence(kind, data, { locale }),
			url: `${env.ORIGIN}${href ?? subjectHref(data) ?? '/admin/alerts'}`
		},
		dedupeKey
	});
}

/** What leaves us of an alert: what a person would read, and no raw facts, for those may quote a vendor. */
function payloadOf(alert: Alert, locale: MailLocale): Prisma.InputJsonObject {
	const { metric, subject, value, threshold, unit } = factsOf(alert.data);
	return {
		alert: {
			...{ id: alert.id, rule: alert.rule, severity: alert.severity },
			message: notificationSentence(alert.rule, alert.data, { locale }),
			subject: {
				...{ type: alert.subjectType, id: alert.subjectId },
				name: typeof subject === 'string' ? subject : null
			},
			measured:
				typeof metric === 'string' && typeof value === 'number'
					? {
							...{ metric, value, unit: typeof unit === 'string' ? unit : null },
							threshold: typeof threshold === 'number' ? threshold : null
						}
					: null,
			url: pageOf(alert),
			opened_at: alert.openedAt.toISOString(),
			acknowledged_at: alert.acknowledgedAt?.toISOString() ?? null,
			acknowledged_by: alert.acknowledgedName,
			closed_at: alert.closedAt?.toISOString() ?? null
		}
	};
}

function pageOf({ subjectType, subjectId }: Alert): string {
	return `${env.ORIGIN}${subjectHref({ subjectType, subjectId }) ?? '/admin/alerts'}`;
}
