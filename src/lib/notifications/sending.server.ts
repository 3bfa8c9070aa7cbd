import { render } from 'svelte/server';
import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { mailClient } from '#lib/settings/clients.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { makeLink } from './links.server.ts';
import { type MailLocale, isLocale } from './locale.ts';
import Mail from './templates/Mail.svelte';
import { LINKS, type MailContent, contentOf, isMailTemplate, textOf } from './templates/content.ts';

/**
 * Sends a queued mail, once. What the server refuses for good is noted; anything else is thrown, so that the queue
 * tries again.
 * @throws {VendorError} when a later try may work
 */
export async function sendMail(emailId: string): Promise<void> {
	const mail = await db.emailMessage.findUnique({ where: { id: emailId } });
	if (!mail || mail.status === 'sent') return;
	const locale: MailLocale = isLocale(mail.locale) ? mail.locale : 'es';
	const content = await write(mail.template, mail.data, mail.userId, locale);
	const client = await mailClient({
		subjectId: mail.id,
		...(mail.customerId && { customerId: mail.customerId })
	});
	try {
		const { messageId } = await client.send({
			to: mail.toAddress,
			subject: content.subject,
			html: page(content, locale),
			text: textOf(content, locale),
			messageId: `${mail.id}@${new URL(env.ORIGIN).hostname}`,
			language: locale
		});
		await db.emailMessage.update({
			where: { id: mail.id },
			data: {
				status: 'sent',
				messageId,
				sentAt: new Date(),
				attempts: { increment: 1 },
				error: null
			}
		});
	} catch (error) {
		await db.emailMessage.update({
			where: { id: mail.id },
			data: { status: 'failed', attempts: { increment: 1 }, error: String(error).slice(0, 1_000) }
		});
		if (!(error instanceof VendorError) || error.retryable || error.ambiguous) throw error;
	} finally {
		client.close();
	}
}

/** The words, with the one-time link made now for this person. */
async function write(
	template: string,
	data: unknown,
	userId: string | null,
	locale: MailLocale
): Promise<MailContent> {
	if (!isMailTemplate(template)) throw new Error(`no mail template is called ${template}`);
	const kind = LINKS[template];
	const subject = kind === 'invitation' ? invitationOf(data) : userId;
	if (kind && !subject) throw new Error(`${template} needs a person`);
	const link = kind && subject ? await makeLink(kind, subject) : '';
	const places = {
		portal: new URL('/tenant/portal', env.ORIGIN).href,
		reset: new URL('/reset', env.ORIGIN).href,
		link,
		contact: await setting('general.contact_address'),
		zone: await setting('general.timezone')
	};
	return contentOf(template, data, places, locale);
}

/** Who is invited need not be a person that we know. */
function invitationOf(data: unknown): string | null {
	const named = typeof data === 'object' && data !== null && 'invitation' in data;
	return named && typeof data.invitation === 'string' ? data.invitation : null;
}

function page(content: MailContent, locale: MailLocale): string {
	const { body } = render(Mail, { props: { content, locale } });
	return `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light"></head><body style="margin: 0">${body}</body></html>`;
}
