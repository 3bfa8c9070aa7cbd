import { type Tx, asCustomer, transaction } from '#lib/core/db.server.ts';
import type { Viewer } from '#lib/notifications/bell.server.ts';
import type { Auth } from './auth.ts';

/** Runs `work` with the notifications that this person may see: a member's inside row-level security. */
export function withViewer<T>(
	auth: Auth,
	work: (tx: Tx, viewer: Viewer) => Promise<T>
): Promise<T> {
	const userId = auth.user.id;
	if (auth.side === 'staff') {
		const { permissions } = auth;
		return transaction((tx) => work(tx, { side: 'staff', userId, permissions }));
	}
	const customerId = auth.customer.id;
	return asCustomer({ customerId, userId }, (tx) =>
		work(tx, { side: 'customer', userId, customerId })
	);
}
