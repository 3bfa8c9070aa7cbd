/** Languages that mails are written in. */
export type MailLocale = 'es' | 'en';

export function isLocale(locale: string): locale is MailLocale {
	return locale === 'es' || locale === 'en';
}
