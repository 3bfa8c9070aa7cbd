import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { date, list, money } from '#lib/ui/format.ts';
import type { MailLocale } from '../locale.ts';
import type { MailContent, Places } from './content.ts';

/** How a late payment is spoken of: four tones, and one for each thing that was done. */
export const DUNNING_TONES = [
	'friendly',
	'reminder',
	'warning',
	'last',
	'read_only',
	'suspend',
	'delete',
	'restored'
] as const;
export type DunningTone = (typeof DUNNING_TONES)[number];

export const dunningNotice = z.object({
	name: z.string(),
	company: z.string(),
	/** Subdomains that it is about. */
	instances: z.array(z.string()),
	tone: z.enum(DUNNING_TONES),
	/** Minor units. */
	amount: z.number().int(),
	currency: z.string(),
	/** Where it can be paid without logging in. */
	url: z.string(),
	/** What comes next, and when: ISO 8601. */
	nextAct: z.enum(['retry', 'mail', 'read_only', 'suspend', 'delete']).nullable(),
	nextAt: z.string().nullable(),
	/** Why the card is not tried again; null when it is. */
	skipped: z.string().nullable()
});
export type DunningNotice = z.infer<typeof dunningNotice>;

interface Facts {
	amount: string;
	company: string;
	instances: string;
}
interface Sentences {
	subject(inputs: Facts, options: { locale: MailLocale }): string;
	body(inputs: Facts, options: { locale: MailLocale }): string;
}

const SENTENCES: Record<DunningTone, Sentences> = {
	friendly: { subject: m.mail_dunning_friendly_subject, body: m.mail_dunning_friendly },
	reminder: { subject: m.mail_dunning_reminder_subject, body: m.mail_dunning_reminder },
	warning: { subject: m.mail_dunning_warning_subject, body: m.mail_dunning_warning },
	last: { subject: m.mail_dunning_last_subject, body: m.mail_dunning_last },
	read_only: { subject: m.mail_dunning_read_only_subject, body: m.mail_dunning_read_only },
	suspend: { subject: m.mail_dunning_suspend_subject, body: m.mail_dunning_suspend },
	delete: { subject: m.mail_dunning_delete_subject, body: m.mail_dunning_delete },
	restored: { subject: m.mail_dunning_restored_subject, body: m.mail_dunning_restored }
};

const NEXT: Partial<
	Record<string, (inputs: { date: string }, options: { locale: MailLocale }) => string>
> = {
	read_only: m.mail_dunning_next_read_only,
	suspend: m.mail_dunning_next_suspend,
	delete: m.mail_dunning_next_delete
};

/** The words of a mail about a late payment. */
export function dunningWords(
	data: DunningNotice,
	places: Places,
	options: { locale: MailLocale }
): Omit<MailContent, 'greeting'> {
	const facts = {
		amount: money(data.amount, data.currency, options.locale),
		company: data.company,
		instances: data.instances.length
			? list(data.instances, options.locale)
			: m.mail_dunning_instance({}, options)
	};
	const { subject, body } = SENTENCES[data.tone];
	const next = data.nextAct && data.nextAt ? NEXT[data.nextAct] : undefined;
	const done = data.tone === 'restored' || data.tone === 'delete';
	return {
		subject: subject(facts, options),
		paragraphs: [
			body(facts, options),
			...(data.skipped && data.tone === 'friendly' ? [m.mail_dunning_no_retry({}, options)] : []),
			...(next && data.nextAt && !done
				? [next({ date: date(data.nextAt, options.locale, places.zone) }, options)]
				: []),
			...(done ? [] : [m.mail_dunning_data_safe({}, options)])
		],
		action: done
			? { label: m.mail_open_portal_action({}, options), url: places.portal }
			: { label: m.mail_dunning_pay({}, options), url: data.url },
		note: done ? undefined : m.mail_dunning_note({ contact: places.contact }, options)
	};
}
