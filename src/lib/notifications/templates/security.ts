import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { dateTime } from '#lib/ui/format.ts';
import type { MailLocale } from '../locale.ts';
import type { MailContent, Places } from './content.ts';

/** What the owner of an account is told of. */
export const SECURITY_EVENTS = [
	'password_changed',
	'password_reset',
	'second_factor_enabled',
	'second_factor_disabled',
	'recovery_code_used',
	'recovery_codes_renewed',
	'email_changed',
	'sessions_ended',
	'token_created'
] as const;
export type SecurityEvent = (typeof SECURITY_EVENTS)[number];

export const securityNotice = z.object({
	name: z.string(),
	event: z.enum(SECURITY_EVENTS),
	/** Of the account, as it was before. */
	email: z.string(),
	/** ISO 8601. */
	at: z.string(),
	/** IANA zone of the person; null for the platform's. */
	timezone: z.string().nullable(),
	by: z.enum(['person', 'staff', 'console']),
	/** `Firefox · Linux`; null when the browser does not say. */
	device: z.string().nullable(),
	ip: z.string().nullable(),
	/** What the event's sentence names: the token, the new address, how many codes are left. */
	about: z.string()
});
export type SecurityNotice = z.infer<typeof securityNotice>;

interface Said {
	email: string;
	about: string;
}
interface Sentences {
	subject(inputs: object, options: { locale: MailLocale }): string;
	body(inputs: Said, options: { locale: MailLocale }): string;
}

const SENTENCES: Record<SecurityEvent, Sentences> = {
	password_changed: {
		subject: m.mail_security_password_changed_subject,
		body: m.mail_security_password_changed
	},
	password_reset: {
		subject: m.mail_security_password_reset_subject,
		body: m.mail_security_password_reset
	},
	second_factor_enabled: {
		subject: m.mail_security_second_factor_enabled_subject,
		body: m.mail_security_second_factor_enabled
	},
	second_factor_disabled: {
		subject: m.mail_security_second_factor_disabled_subject,
		body: m.mail_security_second_factor_disabled
	},
	recovery_code_used: {
		subject: m.mail_security_recovery_code_used_subject,
		body: m.mail_security_recovery_code_used
	},
	recovery_codes_renewed: {
		subject: m.mail_security_recovery_codes_renewed_subject,
		body: m.mail_security_recovery_codes_renewed
	},
	email_changed: {
		subject: m.mail_security_email_changed_subject,
		body: m.mail_security_email_changed
	},
	sessions_ended: {
		subject: m.mail_security_sessions_ended_subject,
		body: m.mail_security_sessions_ended
	},
	token_created: {
		subject: m.mail_security_token_created_subject,
		body: m.mail_security_token_created
	}
};

/** What happened to an account, when, from where, and what to do if it was not its owner. */
export function securityWords(
	data: SecurityNotice,
	{ reset, contact, zone }: Places,
	options: { locale: MailLocale }
): Omit<MailContent, 'greeting'> {
	const { subject, body } = SENTENCES[data.event];
	const at = dateTime(data.at, options.locale, data.timezone ?? zone);
	// An address that is no longer the account's cannot be asked for a new password.
	const isOutOfReach = data.event === 'email_changed' || data.by !== 'person';
	return {
		subject: subject({}, options),
		paragraphs: [
			body(data, options),
			m.mail_security_when({ at }, options),
			whoOf(data, options),
			...(data.by === 'person' ? [m.mail_security_was_you({}, options)] : []),
			isOutOfReach
				? m.mail_security_not_you_write({ contact }, options)
				: data.event === 'token_created'
					? m.mail_security_not_you_token({ contact }, options)
					: m.mail_security_not_you({}, options)
		],
		...(!isOutOfReach && {
			action: { label: m.mail_security_action({}, options), url: reset }
		})
	};
}

function whoOf({ by, device, ip }: SecurityNotice, options: { locale: MailLocale }): string {
	if (by === 'staff') return m.mail_security_by_staff({}, options);
	if (by === 'console') return m.mail_security_by_console({}, options);
	return m.mail_security_from(
		{ device: device ?? m.security_device_unknown({}, options), ip: ip ?? '—' },
		options
	);
}
