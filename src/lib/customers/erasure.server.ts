import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { forgetPeopleOf } from '#lib/identity/membersErasure.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { forgetCallsOf } from '#lib/logs/erasure.server.ts';
import { forgetMailsOf } from '#lib/notifications/erasure.server.ts';
import { deleteCustomer } from './deletion.server.ts';
import { findCustomer } from './customerView.server.ts';

/**
 * Erases what identifies people, on request, and deletes the customer with it. What the law wants kept stays: invoices,
 * payments, movements, country and tax id; and the audit log, see docs/decisions/011-erasing-personal-data.md. Done
 * twice, it finds nothing more.
 * @throws {AppError} NOT_FOUND; STILL_ALIVE with what lives: who is still served needs an address
 */
export async function erase(
	tx: Tx,
	customerId: string,
	act: { by: Actor; reason: string }
): Promise<void> {
	await deleteCustomer(tx, customerId, act.by);
	const customer = await findCustomer(tx, customerId);
	if (customer.erasedAt) return;
	await tx.customer.update({
		where: { id: customerId },
		data: {
			...blank(customerId),
			erasedAt: now(),
			version: { increment: 1 }
		}
	});
	const { userIds, emails } = await forgetPeopleOf(tx, customerId);
	await forgetMailsOf(tx, { customerId, userIds, addresses: [...emails, customer.email] });
	await forgetImportLines(tx, customerId, customer.email);
	await audit(tx, {
		actor: act.by,
		action: 'customers.erase',
		subject: { type: 'customer', id: customerId },
		customerId,
		after: { reason: act.reason, people: userIds.length }
	});
	await publish(tx, [`customer:${customerId}`, 'staff:customers'], customerId);
	await enqueue(tx, 'customers.erase-traces', { customerId });
	await enqueue(tx, 'provisioning.erase-signups', { customerId });
	await enqueue(tx, 'domains.erase', { customerId });
	if (customer.stripeCustomerId) {
		await enqueue(tx, 'billing.erase-events', { customerId });
		await enqueue(tx, 'billing.push-customer', { customerId }, { key: customerId });
	}
}

/** What vendors were told and answered about it, outside of the transaction: there may be many rows. */
export async function eraseTraces(customerId: string): Promise<void> {
	await forgetCallsOf(db, customerId);
	// Mails that were on their way while the rest was erased.
	await transaction((tx) => forgetMailsOf(tx, { customerId, userIds: [], addresses: [] }));
}

/** What stands where people were named. The address is one that nobody can have (RFC 2606). */
function blank(customerId: string) {
	return {
		companyName: `— ${customerId.slice(-6)}`,
		fullName: '—',
		email: `${customerId}@erased.invalid`,
		phone: null,
		addressLine: null,
		city: null,
		state: null,
		postalCode: null,
		notes: null
	};
}

async function forgetImportLines(tx: Tx, customerId: string, email: string): Promise<void> {
	await tx.$executeRaw`
		UPDATE customer_import_lines SET cells = '{}'
		WHERE customer_id = ${customerId}::uuid OR lower(cells->>'email') = ${email}`;
}
