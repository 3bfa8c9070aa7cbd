import { randomUUID } from 'node:crypto';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';

export type Severity = 'info' | 'success' | 'warning' | 'error';

export interface NotificationInput {
	/** Staff who have it see the notification; with a customer or a user it stays null. */
	permission?: string | null;
	/** Members of this customer see it. */
	customerId?: string | null;
	/** This person alone sees it. */
	userId?: string | null;
	/** `tenant_ready`, `refund_failed`: names the sentence, whose values are `data`. */
	kind: string;
	severity: Severity;
	data?: Prisma.InputJsonObject;
	/** Path of ours that shows more. */
	href?: string | null;
	/** Saying the same thing twice makes one notification. */
	dedupeKey?: string | null;
}

/**
 * Tells people something inside the product, as part of `tx`.
 * @returns false when it was said before under the same `dedupeKey`
 */
export async function notify(tx: Tx, input: NotificationInput): Promise<boolean> {
	const id = randomUUID();
	const { count } = await tx.notification.createMany({
		data: [
			{
				id,
				customerId: input.customerId ?? null,
				userId: input.userId ?? null,
				permission: input.permission ?? null,
				kind: input.kind,
				severity: input.severity,
				data: input.data ?? {},
				href: input.href ?? null,
				dedupeKey: input.dedupeKey ?? null
			}
		],
		// A constraint error would end the caller's transaction.
		skipDuplicates: true
	});
	if (count === 0) return false;
	if (input.userId) await publish(tx, `user:${input.userId}`, id);
	else if (input.customerId) await publish(tx, `customer:${input.customerId}`, id);
	else await publish(tx, 'staff:notifications', id);
	return true;
}
