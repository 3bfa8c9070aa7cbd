import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Customer } from '#prisma/generated/client.ts';
import type { CustomerView } from './schema.ts';

/** @throws {AppError} NOT_FOUND, also for what can be no id */
export async function findCustomer(tx: Tx, id: string): Promise<Customer> {
	const found = z.uuid().safeParse(id).success && (await tx.customer.findUnique({ where: { id } }));
	if (!found) throw new AppError('NOT_FOUND');
	return found;
}

/** @throws {AppError} NOT_FOUND */
export async function oneCustomer(tx: Tx, id: string): Promise<CustomerView> {
	return customerView(await findCustomer(tx, id));
}

export function customerView(customer: Customer): CustomerView {
	return {
		id: customer.id,
		company_name: customer.companyName,
		full_name: customer.fullName,
		email: customer.email,
		phone: customer.phone,
		country: customer.country,
		tax_id: customer.taxId,
		tax_id_type: customer.taxIdType,
		tax_exempt: customer.taxExempt,
		address_line: customer.addressLine,
		city: customer.city,
		state: customer.state,
		postal_code: customer.postalCode,
		locale: customer.locale,
		notes: customer.notes,
		status: customer.status,
		plan: customer.planKey,
		stripe_customer_id: customer.stripeCustomerId,
		version: customer.version,
		created_at: customer.createdAt.toISOString(),
		updated_at: customer.updatedAt.toISOString(),
		deleted_at: customer.deletedAt?.toISOString() ?? null,
		erased_at: customer.erasedAt?.toISOString() ?? null
	};
}

/** What a customer's live subscriptions are worth a month, by currency, in minor units. */
export async function mrrOf(
	tx: Tx,
	customerId: string
): Promise<{ amount: number; currency: string }[]> {
	const sums = await tx.subscription.groupBy({
		by: ['currency'],
		where: { customerId, mrr: { gt: 0 } },
		_sum: { mrr: true },
		orderBy: { currency: 'asc' }
	});
	return sums.map(({ currency, _sum }) => ({ currency, amount: _sum.mrr ?? 0 }));
}
