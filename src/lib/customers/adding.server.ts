import type { Tx } from '#lib/core/db.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import type { Customer } from '#prisma/generated/client.ts';
import { createCustomer } from './customers.server.ts';
import { acceptedTaxId } from './edit.server.ts';
import type { CreateCustomerInput } from './schema.ts';
import { sellerRule, taxExemptOf } from './taxRule.server.ts';

/**
 * A customer that staff type in, without an instance: `pending` until it has a subscription in force.
 * @throws {AppError} BAD_INPUT beside `tax_id`
 */
export async function addCustomer(
	tx: Tx,
	input: CreateCustomerInput,
	act: { by: Actor; locale: string }
): Promise<Customer> {
	const country = input.country ?? null;
	const tax = acceptedTaxId({
		country,
		taxId: input.tax_id || null,
		taxIdType: input.tax_id_type || null
	});
	return createCustomer(tx, {
		companyName: input.company_name,
		fullName: input.full_name ?? input.company_name,
		email: input.email,
		phone: input.phone ?? null,
		country,
		...tax,
		taxExempt: taxExemptOf({ country, ...tax, taxExempt: 'none' }, await sellerRule()),
		addressLine: input.address_line ?? null,
		city: input.city ?? null,
		state: input.state ?? null,
		postalCode: input.postal_code ?? null,
		locale: input.locale ?? act.locale,
		notes: input.notes ?? null,
		by: act.by
	});
}
