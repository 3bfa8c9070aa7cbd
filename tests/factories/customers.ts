import { randomBytes } from 'node:crypto';
import { db } from '#lib/core/db.server.ts';
import type { Customer } from '#prisma/generated/client.ts';

let made = 0;

/** A company that pays, or may pay one day. */
export function aCustomer(
	facts: Partial<
		Pick<
			Customer,
			| 'companyName'
			| 'fullName'
			| 'email'
			| 'phone'
			| 'country'
			| 'taxId'
			| 'locale'
			| 'status'
			| 'stripeCustomerId'
		>
	> = {}
): Promise<Customer> {
	const mark = `${++made}-${randomBytes(3).toString('hex')}`;
	return db.customer.create({
		data: {
			companyName: `Comercial ${mark}`,
			fullName: 'Ana Vera',
			email: `ana.${mark}@example.com`,
			country: 'EC',
			...facts
		}
	});
}
