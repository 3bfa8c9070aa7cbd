import type { Tx } from '#lib/core/db.server.ts';
import { queueMail } from '#lib/notifications/mail.server.ts';
import type { SecurityEvent } from '#lib/notifications/templates/security.ts';
import { deviceOf } from './device.ts';
import type { Origin } from './login.server.ts';

export interface SecurityAct {
	event: SecurityEvent;
	/** From where it was done; `staff` names nobody of ours, `console` is the server's own command line. */
	from: Origin | 'staff' | 'console';
	/** Tells this act from every other of its kind, whatever the client sent: the same act is told of once. */
	key: string;
	/** What the event's sentence names. */
	about?: string;
}

/**
 * Tells the owner of an account by mail what was done to it, as part of `tx`: the mail goes out if and only if the act
 * commits. There is no way to switch it off: it is how an owner learns of somebody else.
 */
export async function tellOwner(tx: Tx, userId: string, act: SecurityAct): Promise<void> {
	const { event, from, key, about = '' } = act;
	const { email, fullName, locale, timezone } = await tx.user.findUniqueOrThrow({
		where: { id: userId },
		select: { email: true, fullName: true, locale: true, timezone: true }
	});
	await queueMail(tx, {
		template: 'security',
		userId,
		to: email,
		locale,
		data: {
			...{ name: fullName, event, email, about, timezone, at: new Date().toISOString() },
			...(typeof from === 'string'
				? { by: from, device: null, ip: null }
				: { by: 'person', device: deviceOf(from.userAgent), ip: from.ip })
		},
		dedupeKey: `security:${event}:${userId}:${key}`
	});
}
