import type { Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { isLocale } from './locale.ts';
import { type MailTemplate, type MailTemplates, subjectOf } from './templates/content.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'notifications.send-mail': { emailId: string };
	}
}

export interface QueuedMail<T extends MailTemplate> {
	template: T;
	/** Whom it is for; one-time links are made for this person when it is sent. */
	userId: string | null;
	customerId?: string | null;
	to: string;
	locale: string;
	data: MailTemplates[T];
	/** Saying the same thing twice makes one mail: `welcome:<tenant id>`. */
	dedupeKey?: string;
}

/**
 * Writes a mail and its sending as part of `tx`: it goes out if and only if the transaction commits.
 * @returns its id, or null when a mail with this `dedupeKey` exists already
 */
export async function queueMail<T extends MailTemplate>(
	tx: Tx,
	mail: QueuedMail<T>
): Promise<string | null> {
	const locale = isLocale(mail.locale) ? mail.locale : 'es';
	const [row] = await tx.emailMessage.createManyAndReturn({
		data: [
			{
				customerId: mail.customerId ?? null,
				userId: mail.userId,
				template: mail.template,
				locale,
				toAddress: mail.to,
				subject: subjectOf(mail.template, mail.data, locale),
				data: mail.data,
				dedupeKey: mail.dedupeKey ?? null
			}
		],
		// A unique violation would end the caller's transaction.
		skipDuplicates: true,
		select: { id: true }
	});
	if (!row) return null;
	await enqueue(tx, 'notifications.send-mail', { emailId: row.id });
	return row.id;
}
