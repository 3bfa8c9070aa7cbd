import { expect, it } from 'vitest';
import { adopt, aSignup, payFor } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db } from '#lib/core/db.server.ts';
import './jobs.server.ts';
import { pushCustomer } from './customerSync.server.ts';

await testDatabase();
const stripe = await testStripe();
await testQueue({ work: false });
const { api } = stripe;

async function known() {
	const paid = await payFor(stripe, await aSignup());
	return { ...paid, ...(await adopt(paid)) };
}
const change = (id: string, data: object) =>
	db.customer.update({ where: { id }, data: { ...data, version: { increment: 1 } } });

it("brings Stripe's copy to what ours says, tax id included", async () => {
	const { customer, stripeCustomerId } = await known();
	await change(customer.id, {
		companyName: 'Cacao del Litoral S.A.',
		phone: '+593 4 555 0101',
		addressLine: 'Av. 9 de Octubre 100',
		city: 'Guayaquil',
		taxId: '1790012344001',
		taxIdType: 'ec_ruc',
		taxExempt: 'reverse'
	});
	await pushCustomer(customer.id);
	expect(await api.customers.retrieve(stripeCustomerId)).toMatchObject({
		name: 'Cacao del Litoral S.A.',
		phone: '+593 4 555 0101',
		tax_exempt: 'reverse',
		address: { line1: 'Av. 9 de Octubre 100', city: 'Guayaquil', country: 'EC' },
		preferred_locales: ['es']
	});
	const ids = await api.customers.listTaxIds(stripeCustomerId);
	expect(ids.data).toMatchObject([{ type: 'ec_ruc', value: '1790012344001' }]);
});

it('says nothing when nothing differs, and says the same again after something else', async () => {
	const { customer, stripeCustomerId } = await known();
	await pushCustomer(customer.id);
	stripe.forget();
	await pushCustomer(customer.id);
	expect(stripe.calls().filter((line) => line.startsWith('POST'))).toEqual([]);
	await change(customer.id, { companyName: 'Otra' });
	await pushCustomer(customer.id);
	await change(customer.id, { companyName: customer.companyName });
	await pushCustomer(customer.id);
	expect(await api.customers.retrieve(stripeCustomerId)).toMatchObject({
		name: customer.companyName
	});
});

it('puts a new tax id in the place of the old one, and takes it away', async () => {
	const { customer, stripeCustomerId } = await known();
	await change(customer.id, { taxId: '1790012344001', taxIdType: 'ec_ruc' });
	await pushCustomer(customer.id);
	await change(customer.id, { taxId: '900123456-8', taxIdType: 'co_nit' });
	await pushCustomer(customer.id);
	const ids = () => api.customers.listTaxIds(stripeCustomerId).then(({ data }) => data);
	expect(await ids()).toMatchObject([{ type: 'co_nit', value: '900123456-8' }]);
	await change(customer.id, { taxId: null, taxIdType: null });
	await pushCustomer(customer.id);
	expect(await ids()).toEqual([]);
});

it('goes on where it was when the answer was lost', async () => {
	const { customer, stripeCustomerId } = await known();
	await change(customer.id, {
		companyName: 'Con otro nombre',
		taxId: '1790012344001',
		taxIdType: 'ec_ruc'
	});
	stripe.fault({
		match: `POST /v1/customers/${stripeCustomerId}/tax_ids`,
		kind: 'reset',
		times: 2
	});
	await expect(pushCustomer(customer.id)).rejects.toMatchObject({ kind: 'lost' });
	stripe.kernel.faults.clear();
	await pushCustomer(customer.id);
	const ids = await api.customers.listTaxIds(stripeCustomerId);
	expect(ids.data).toHaveLength(1);
});

it('leaves customers alone that Stripe does not know', async () => {
	stripe.forget();
	await pushCustomer((await aCustomer()).id);
	expect(stripe.calls()).toEqual([]);
});
