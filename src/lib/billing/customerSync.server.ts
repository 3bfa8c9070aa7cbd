import { randomUUID } from 'node:crypto';
import type Stripe from 'stripe';
import { db } from '#lib/core/db.server.ts';
import { isMissing, StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Customer } from '#prisma/generated/client.ts';

type Facts = Pick<
	Stripe.CustomerUpdateParams,
	'name' | 'email' | 'phone' | 'address' | 'preferred_locales' | 'tax_exempt'
>;

/**
 * Makes Stripe's copy of a customer say what ours says: name, address, language, tax id. Looks first, reads back after.
 * @throws {StripeVendorError} also when Stripe refuses the tax id
 */
export async function pushCustomer(customerId: string): Promise<void> {
	const customer = await db.customer.findUniqueOrThrow({ where: { id: customerId } });
	const { stripeCustomerId } = customer;
	if (!stripeCustomerId) return;
	const client = await stripeClient({ customerId, subjectId: customerId });
	const before = await client.customers.retrieve(stripeCustomerId);
	if (before.deleted) return;
	const wanted = factsOf(customer);
	if (differences(before, wanted).length > 0) {
		// A key of its own each time: under one that was used, Stripe would only repeat what it answered then, and
		// saying the same twice does no harm.
		await client.customers.update(stripeCustomerId, wanted, `customer:${randomUUID()}`);
		const after = await client.customers.retrieve(stripeCustomerId);
		const left = after.deleted ? ['deleted'] : differences(after, wanted);
		if (left.length > 0) throw notTaken(stripeCustomerId, left);
	}
	await pushTaxId(client, stripeCustomerId, customer);
}

/** What of a customer Stripe is told. An empty text takes away what Stripe has. */
export function factsOf(customer: Customer): Facts {
	const { addressLine, city, state, postalCode, country } = customer;
	return {
		name: customer.companyName,
		email: customer.email,
		phone: customer.phone ?? '',
		address: {
			line1: addressLine ?? '',
			city: city ?? '',
			state: state ?? '',
			postal_code: postalCode ?? '',
			country: country ?? ''
		},
		preferred_locales: [customer.locale],
		tax_exempt:
			customer.taxExempt === 'exempt' || customer.taxExempt === 'reverse'
				? customer.taxExempt
				: 'none'
	};
}

/** The fields in which Stripe says something else. */
export function differences(stripe: Stripe.Customer, wanted: Facts): string[] {
	const said = (value: unknown) => (value === null || value === undefined ? '' : value);
	const address = (wanted.address || {}) as Record<string, string>;
	const theirs = (stripe.address ?? {}) as unknown as Record<string, string | null>;
	return [
		...(['name', 'email', 'phone', 'tax_exempt'] as const).filter(
			(field) => said(stripe[field]) !== said(wanted[field])
		),
		...Object.keys(address)
			.filter((field) => said(theirs[field]) !== address[field])
			.map((field) => `address.${field}`),
		...((stripe.preferred_locales ?? [])[0] === wanted.preferred_locales?.[0]
			? []
			: ['preferred_locales'])
	];
}

/** A tax id cannot be changed at Stripe: the new one is made, then the others go. */
async function pushTaxId(
	client: StripeClient,
	stripeCustomerId: string,
	{ taxId, taxIdType }: Customer
): Promise<void> {
	const known = await client.taxIds.ofCustomer(stripeCustomerId);
	const isOurs = (one: Stripe.TaxId) => one.type === taxIdType && one.value === taxId;
	if (taxId && taxIdType && !known.some(isOurs)) {
		await client.taxIds.create(
			stripeCustomerId,
			{ type: taxIdType as Stripe.CustomerCreateTaxIdParams.Type, value: taxId },
			`tax-id:${stripeCustomerId}:${taxIdType}:${taxId}:after:${known.map(({ id }) => id).join()}`
		);
	}
	for (const { id } of known.filter((one) => !isOurs(one))) {
		try {
			await client.taxIds.remove(stripeCustomerId, id);
		} catch (error) {
			if (!isMissing(error)) throw error;
		}
	}
	const after = await client.taxIds.ofCustomer(stripeCustomerId);
	if (after.every(isOurs) && after.length === (taxId && taxIdType ? 1 : 0)) return;
	throw notTaken(stripeCustomerId, ['tax_id']);
}

function notTaken(id: string, fields: string[]): StripeVendorError {
	return new StripeVendorError({
		operation: 'customers.update',
		kind: 'vendor',
		message: `Stripe's copy of ${id} differs in ${fields.join(', ')}`,
		retryable: true
	});
}
