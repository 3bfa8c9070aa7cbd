import { mirrorCards } from '#lib/billing/cards.server.ts';
import { db } from '#lib/core/db.server.ts';
import type { Customer } from '#prisma/generated/client.ts';
import type { TestStripe } from '../setup/stripe.ts';
import { createMember, createStaff, sessionFor } from './identity.ts';
import { anOpenInvoice, aPaidInvoice } from './invoices.ts';

/** Companies that pay at the stand-in, all of it mirrored, each with an owner who is logged in. */
export async function payersAt(stripe: TestStripe) {
	return {
		/** An administrator who is logged in. */
		staff: await sessionFor({ id: (await createStaff('administrator')).id }),
		aPayer: async () => {
			const world = await aPaidInvoice(stripe);
			await mirrorCards(world.paid.stripeCustomerId);
			return { ...world, ...(await ownerOf(world.customer)) };
		},
		/** One whose last payment was declined. */
		aDebtor: async () => {
			const world = await anOpenInvoice(stripe);
			return { ...world, ...(await ownerOf(world.customer)) };
		}
	};
}

export type Payers = Awaited<ReturnType<typeof payersAt>>;
export type Payer = Awaited<ReturnType<Payers['aPayer']>>;

async function ownerOf(customer: Customer) {
	const owner = await sessionFor(await createMember('owner', customer));
	return { owner, companyName: customer.companyName };
}

/** Which subscription a verb of billing is about. */
export const scopeOf = ({ subscription, customer }: Pick<Payer, 'subscription' | 'customer'>) => ({
	id: subscription.id,
	customerId: customer.id
});

/** The late payments of one who owes. */
export const caseOf = ({ subscription }: Pick<Payer, 'subscription'>) =>
	db.dunningCase.findFirstOrThrow({ where: { subscriptionId: subscription.id, closedAt: null } });

export const someStaff = { kind: 'staff' as const, id: null, label: 'pruebas' };
