import { expect, it } from 'vitest';
import { adopt, aSignup, payFor } from '../../../tests/factories/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db } from '#lib/core/db.server.ts';
import './jobs.server.ts';
import { takeOverCustomer } from './customerTakeOver.server.ts';

await testDatabase();
const stripe = await testStripe();
await testQueue({ work: false });
const { api } = stripe;

async function buyer(typed: Parameters<typeof api.customers.update>[1] = {}) {
	const paid = await payFor(stripe, await aSignup({ country: 'EC' }));
	const { customer } = await adopt(paid);
	await api.customers.update(paid.stripeCustomerId, { name: 'ANA VERA', ...typed });
	return { id: customer.id, name: customer.companyName, stripeCustomerId: paid.stripeCustomerId };
}
const ours = (id: string) => db.customer.findUniqueOrThrow({ where: { id } });

it('names the company where Checkout named the holder of the card', async () => {
	const { id, name, stripeCustomerId } = await buyer();
	await takeOverCustomer(id);
	expect(await api.customers.retrieve(stripeCustomerId)).toMatchObject({
		...{ name, preferred_locales: ['es'], address: { country: 'EC' } }
	});
	expect(await ours(id)).toMatchObject({ companyName: name, addressLine: null, taxId: null });
});

it('keeps what the buyer typed at Stripe, and what we knew before', async () => {
	const { id, stripeCustomerId } = await buyer({
		phone: '+593 4 555 0101',
		address: { line1: 'Av. 9 de Octubre 100', city: 'Guayaquil', country: 'EC' }
	});
	await api.customers.createTaxId(stripeCustomerId, { type: 'ec_ruc', value: '1790016919001' });
	await db.customer.update({ where: { id }, data: { phone: '+593 2 222 2222' } });
	await takeOverCustomer(id);
	const known = {
		phone: '+593 2 222 2222',
		addressLine: 'Av. 9 de Octubre 100',
		city: 'Guayaquil'
	};
	expect(await ours(id)).toMatchObject({ ...known, taxId: '1790016919001', taxIdType: 'ec_ruc' });
	expect(await api.customers.retrieve(stripeCustomerId)).toMatchObject({
		...{ phone: '+593 2 222 2222', address: { line1: 'Av. 9 de Octubre 100', country: 'EC' } }
	});
	const { data } = await api.customers.listTaxIds(stripeCustomerId);
	expect(data).toMatchObject([{ type: 'ec_ruc', value: '1790016919001' }]);
	// Once more, as after a crash: nothing is left to do.
	const { version } = await ours(id);
	stripe.forget();
	await takeOverCustomer(id);
	expect((await ours(id)).version).toBe(version);
	expect(stripe.calls().filter((line) => line.startsWith('POST'))).toEqual([]);
});

it('takes no address of another country, and notes a number that cannot be one', async () => {
	const { id, stripeCustomerId } = await buyer({ address: { city: 'Miami', country: 'US' } });
	await api.customers.createTaxId(stripeCustomerId, { type: 'ec_ruc', value: '1710034066001' });
	await takeOverCustomer(id);
	expect(await ours(id)).toMatchObject({
		...{ country: 'EC', city: null, taxId: null, notes: 'ec_ruc 1710034066001' }
	});
	await takeOverCustomer(id);
	expect((await ours(id)).notes).toBe('ec_ruc 1710034066001');
});
