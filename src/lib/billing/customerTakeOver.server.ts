import type Stripe from 'stripe';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { edit } from '#lib/customers/edit.server.ts';
import type { CustomerChanges } from '#lib/customers/schema.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Customer } from '#prisma/generated/client.ts';
import { pushCustomer } from './customerSync.server.ts';

/**
 * After somebody paid on Stripe's page: what they typed there and we do not know becomes ours (address, phone, tax id),
 * and Stripe's copy says what ours does, the company's name above all: Checkout makes its customer of the card's holder.
 * @throws {StripeVendorError}
 */
export async function takeOverCustomer(customerId: string): Promise<void> {
	const { stripeCustomerId } = await db.customer.findUniqueOrThrow({ where: { id: customerId } });
	if (!stripeCustomerId) return;
	const client = await stripeClient({ customerId, subjectId: customerId });
	const theirs = await client.customers.retrieve(stripeCustomerId);
	if (theirs.deleted) return;
	const [taxId] = await client.taxIds.ofCustomer(stripeCustomerId);
	try {
		await learn(customerId, theirs, taxId);
	} catch (error) {
		if (!(error instanceof AppError) || error.code !== 'BAD_INPUT') throw error;
		// A number that its country does not write so: for the staff to ask about, not to charge by.
		await learn(customerId, theirs, undefined, `${taxId?.type} ${taxId?.value}`);
	}
	await pushCustomer(customerId);
}

async function learn(
	customerId: string,
	theirs: Stripe.Customer,
	taxId: Stripe.TaxId | undefined,
	note?: string
): Promise<void> {
	await transaction(async (tx) => {
		await tx.$queryRaw`SELECT id FROM customers WHERE id = ${customerId}::uuid FOR UPDATE`;
		const ours = await tx.customer.findUniqueOrThrow({ where: { id: customerId } });
		if (ours.status === 'deleted') return;
		const changes = unknownOf(ours, theirs, taxId);
		if (note && !ours.notes?.includes(note))
			changes.notes = [ours.notes, note].filter(Boolean).join('\n');
		await edit(tx, customerId, { version: ours.version, changes, by: SYSTEM });
	});
}

/** What Stripe knows and we do not. An address is taken whole or not at all, and never one of another country. */
function unknownOf(
	ours: Customer,
	{ address, phone }: Stripe.Customer,
	taxId: Stripe.TaxId | undefined
): CustomerChanges {
	const changes: CustomerChanges = {};
	const isBlank = ![ours.addressLine, ours.city, ours.state, ours.postalCode].some(Boolean);
	if (address && isBlank && (!ours.country || ours.country === address.country)) {
		if (address.country) changes.country = address.country;
		if (address.line1)
			changes.address_line = [address.line1, address.line2].filter(Boolean).join(', ');
		if (address.city) changes.city = address.city;
		if (address.state) changes.state = address.state;
		if (address.postal_code) changes.postal_code = address.postal_code;
	}
	if (phone && !ours.phone) changes.phone = phone;
	if (taxId?.value && !ours.taxId) {
		changes.tax_id = taxId.value;
		changes.tax_id_type = taxId.type;
	}
	return changes;
}
