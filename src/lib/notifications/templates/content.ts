import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import type { OneTimeLink } from '../links.server.ts';
import type { MailLocale } from '../locale.ts';
import { type DunningNotice, dunningNotice, dunningWords } from './dunning.ts';
import { type SecurityNotice, securityNotice, securityWords } from './security.ts';

/** What each mail is told. All of it is plain text and is escaped where it is shown. */
export type MailTemplates = {
	/** The instance is ready; carries a link to set the first password. */
	welcome: { name: string; company: string; url: string };
	/** The instance is ready, and the person has an account already. */
	welcome_back: { name: string; company: string; url: string };
	/** Staff made the order; paying starts it. `until`: the moment at which it can no longer be paid, written out. */
	payment_link: { name: string; company: string; plan: string; url: string; until?: string };
	/** Somebody is asked to join a company; `by`: who asks. The link is made of `invitation` when it is sent. */
	invitation: { name: string; company: string; by: string; invitation: string };
	set_password: { name: string };
	reset_password: { name: string };
	waiting_capacity: { name: string; company: string };
	/** `amount` is written out already, in the reader's locale. */
	refunded: { name: string; company: string; amount: string };
	/** `purgeOn`: the day on which the last backup goes too, written out. */
	instance_deleted: { name: string; company: string; subdomain: string; purgeOn: string };
	/** It will be moved to another server. `at` and `downtime` are written out already. */
	move_planned: { name: string; company: string; subdomain: string; at: string; downtime: string };
	/** What `move_planned` said does not happen. `at` is written out already. */
	move_called_off: { name: string; company: string; subdomain: string; at: string };
	/** It was moved to another server. `downtime` is written out already. */
	moved: { name: string; company: string; subdomain: string; downtime: string };
	/** To the staff's mailbox. `sentence`: what the alert says, in the mail's language. */
	alert: { name: string; sentence: string; url: string };
	/** A payment is late: what that means by which date, or what was done. */
	dunning: DunningNotice;
	/** The card that pays expires before the next charge. All but the names is written out already. */
	card_expires: {
		name: string;
		company: string;
		brand: string;
		last4: string;
		month: string;
		amount: string;
		date: string;
	};
	/** How much of a plan is used, or what was done about it. `sentence`: all of it, in the mail's language. */
	limit: { name: string; sentence: string; url: string };
	/** What becomes of a paid plan whose instance could not be moved. `sentence`: all of it, in the mail's language. */
	plan_move: { name: string; sentence: string; url: string };
	/**
	 * A server failed and another one went on. All times and spans are written out. `copy`: of the disks that it went on with,
	 * and how much older they are than the failure; null: nobody knows; absent: nothing that was saved is lost.
	 */
	failed_over: {
		name: string;
		company: string;
		subdomain: string;
		at: string;
		downtime: string;
		copy?: { at: string; age: string } | null;
	};
	/** What became of a custom domain. `sentence`: all of it, in the mail's language. */
	domain: { name: string; domain: string; sentence: string; url: string };
	/** Something that its owner must know of was done to an account. */
	security: SecurityNotice;
};
export type MailTemplate = keyof MailTemplates;

const name = z.string();
const company = z.string();

const MAIL_DATA: { [T in MailTemplate]: z.ZodType<MailTemplates[T]> } = {
	welcome: z.object({ name, company, url: z.string() }),
	welcome_back: z.object({ name, company, url: z.string() }),
	payment_link: z.object({
		...{ name, company, plan: z.string(), url: z.string() },
		until: z.string().optional()
	}),
	invitation: z.object({ name, company, by: z.string(), invitation: z.string() }),
	set_password: z.object({ name }),
	reset_password: z.object({ name }),
	waiting_capacity: z.object({ name, company }),
	refunded: z.object({ name, company, amount: z.string() }),
	failed_over: z.object({
		...{ name, company, subdomain: z.string(), at: z.string(), downtime: z.string() },
		copy: z.object({ at: z.string(), age: z.string() }).nullable().optional()
	}),
	instance_deleted: z.object({ name, company, subdomain: z.string(), purgeOn: z.string() }),
	move_planned: z.object({
		...{ name, company, subdomain: z.string() },
		...{ at: z.string(), downtime: z.string() }
	}),
	move_called_off: z.object({ name, company, subdomain: z.string(), at: z.string() }),
	moved: z.object({ name, company, subdomain: z.string(), downtime: z.string() }),
	alert: z.object({ name, sentence: z.string(), url: z.string() }),
	dunning: dunningNotice,
	card_expires: z.object({
		...{ name, company, brand: z.string(), last4: z.string(), month: z.string() },
		...{ amount: z.string(), date: z.string() }
	}),
	limit: z.object({ name, sentence: z.string(), url: z.string() }),
	plan_move: z.object({ name, sentence: z.string(), url: z.string() }),
	domain: z.object({ name, domain: z.string(), sentence: z.string(), url: z.string() }),
	security: securityNotice
};

/** The words of one mail; its HTML and its plain text are both made of these. */
export interface MailContent {
	subject: string;
	greeting: string;
	paragraphs: string[];
	action?: { label: string; url: string };
	note?: string;
}

/** What a mail is told at the moment of sending. */
export interface Places {
	/** Absolute URL of the portal. */
	portal: string;
	/** Absolute URL of the page that mails a link for a new password. */
	reset: string;
	/** Whom people write to: an address. */
	contact: string;
	/** IANA zone of the platform, for who has chosen none. */
	zone: string;
	/** The one-time link that `LINKS` asks for. */
	link: string;
}

/** Which mails carry a one-time link. */
export const LINKS: Partial<Record<MailTemplate, OneTimeLink>> = {
	welcome: 'set_password',
	invitation: 'invitation',
	set_password: 'set_password',
	reset_password: 'reset_password'
};

type Words<T extends MailTemplate> = (
	data: MailTemplates[T],
	places: Places,
	options: { locale: MailLocale }
) => Omit<MailContent, 'greeting'>;

const WORDS: { [T in MailTemplate]: Words<T> } = {
	welcome: (data, { link }, options) => ({
		subject: m.mail_welcome_subject(data, options),
		paragraphs: [m.mail_welcome_ready(data, options), m.mail_welcome_password({}, options)],
		action: { label: m.mail_set_password_action({}, options), url: link },
		note: m.mail_set_password_note({}, options)
	}),
	welcome_back: (data, _places, options) => ({
		subject: m.mail_welcome_subject(data, options),
		paragraphs: [m.mail_welcome_ready(data, options), m.mail_welcome_back({}, options)],
		action: { label: m.mail_open_erp_action({}, options), url: data.url }
	}),
	payment_link: (data, _places, options) => ({
		subject: m.mail_payment_link_subject(data, options),
		paragraphs: [
			m.mail_payment_link_body(data, options),
			...(data.until ? [m.mail_payment_link_until({ until: data.until }, options)] : [])
		],
		action: { label: m.mail_payment_link_action({}, options), url: data.url }
	}),
	invitation: (data, { link }, options) => ({
		subject: m.mail_invitation_subject(data, options),
		paragraphs: [m.mail_invitation_body(data, options), m.mail_invitation_what({}, options)],
		action: { label: m.mail_invitation_action({}, options), url: link },
		note: m.mail_invitation_note({}, options)
	}),
	set_password: (_data, { link }, options) => ({
		subject: m.mail_set_password_subject({}, options),
		paragraphs: [m.mail_set_password_body({}, options)],
		action: { label: m.mail_set_password_action({}, options), url: link },
		note: m.mail_set_password_note({}, options)
	}),
	reset_password: (_data, { link }, options) => ({
		subject: m.mail_reset_password_subject({}, options),
		paragraphs: [m.mail_reset_password_body({}, options)],
		action: { label: m.mail_reset_password_action({}, options), url: link },
		note: m.mail_reset_password_note({}, options)
	}),
	waiting_capacity: (data, { portal }, options) => ({
		subject: m.mail_waiting_capacity_subject({}, options),
		paragraphs: [
			m.mail_waiting_capacity_body(data, options),
			m.mail_waiting_capacity_promise({}, options)
		],
		action: { label: m.mail_portal_action({}, options), url: portal }
	}),
	refunded: (data, _places, options) => ({
		subject: m.mail_refunded_subject(data, options),
		paragraphs: [m.mail_refunded_body(data, options), m.mail_refunded_when({}, options)]
	}),
	failed_over: ({ copy, ...data }, { portal }, options) => ({
		subject: m.mail_failed_over_subject(data, options),
		paragraphs: [
			m.mail_failed_over_body(data, options),
			copy
				? m.mail_failed_over_lost({ copied: copy.at, age: copy.age }, options)
				: copy === null
					? m.mail_failed_over_unknown({}, options)
					: m.mail_failed_over_kept({}, options),
			m.mail_failed_over_end({}, options)
		],
		action: { label: m.mail_portal_action({}, options), url: portal }
	}),
	instance_deleted: (data, _places, options) => ({
		subject: m.mail_instance_deleted_subject(data, options),
		paragraphs: [
			m.mail_instance_deleted_body(data, options),
			m.mail_instance_deleted_backup(data, options)
		]
	}),
	move_planned: (data, { portal }, options) => ({
		subject: m.mail_move_planned_subject(data, options),
		paragraphs: [m.mail_move_planned_body(data, options), m.mail_move_planned_nothing({}, options)],
		action: { label: m.mail_portal_action({}, options), url: portal }
	}),
	move_called_off: (data, { portal }, options) => ({
		subject: m.mail_move_called_off_subject(data, options),
		paragraphs: [
			m.mail_move_called_off_body(data, options),
			m.mail_move_called_off_nothing({}, options)
		],
		action: { label: m.mail_portal_action({}, options), url: portal }
	}),
	moved: (data, { portal }, options) => ({
		subject: m.mail_moved_subject(data, options),
		paragraphs: [m.mail_moved_body(data, options), m.mail_moved_downtime(data, options)],
		action: { label: m.mail_portal_action({}, options), url: portal }
	}),
	alert: ({ sentence, url }, _places, options) => ({
		subject: m.mail_alert_subject({ sentence }, options),
		paragraphs: [sentence, m.mail_alert_body({}, options)],
		action: { label: m.mail_alert_action({}, options), url }
	}),
	dunning: dunningWords,
	card_expires: (data, { portal }, options) => ({
		subject: m.mail_card_expires_subject(data, options),
		paragraphs: [m.mail_card_expires(data, options)],
		action: { label: m.mail_card_expires_action({}, options), url: `${portal}/billing` }
	}),
	domain: ({ domain, sentence, url }, _places, options) => ({
		subject: m.mail_domain_subject({ domain }, options),
		paragraphs: [sentence, m.mail_domain_body({}, options)],
		action: { label: m.mail_domain_button({}, options), url }
	}),
	limit: ({ sentence, url }, _places, options) => ({
		subject: m.mail_limit_subject({}, options),
		paragraphs: [sentence, m.mail_limit_body({}, options)],
		action: { label: m.mail_portal_action({}, options), url }
	}),
	plan_move: ({ sentence, url }, _places, options) => ({
		subject: m.mail_plan_move_subject({}, options),
		paragraphs: [sentence],
		action: { label: m.mail_portal_action({}, options), url }
	}),
	security: securityWords
};

/** For a subject, which names no place. */
const NOWHERE: Places = { portal: '', reset: '', link: '', contact: '', zone: 'UTC' };

export function subjectOf<T extends MailTemplate>(
	template: T,
	data: MailTemplates[T],
	locale: MailLocale
): string {
	return WORDS[template](data, NOWHERE, { locale }).subject;
}

/** @param stored what `queueMail` kept of the mail's data */
export function contentOf<T extends MailTemplate>(
	template: T,
	stored: unknown,
	places: Places,
	locale: MailLocale
): MailContent {
	const data = MAIL_DATA[template].parse(stored);
	return {
		greeting: m.mail_greeting({ name: data.name }, { locale }),
		...WORDS[template](data, places, { locale })
	};
}

export function isMailTemplate(name: string): name is MailTemplate {
	return Object.hasOwn(WORDS, name);
}

/** The plain-text part. */
export function textOf(content: MailContent, locale: MailLocale): string {
	const { greeting, paragraphs, action, note } = content;
	const parts = [
		greeting,
		...paragraphs,
		action && `${action.label}:\n${action.url}`,
		note,
		m.mail_footer({}, { locale })
	];
	return parts.filter(Boolean).join('\n\n');
}
