import { expect, it } from 'vitest';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM, type Actor } from '#lib/logs/audit.server.ts';
import { saveSetting } from '#lib/settings/settings.server.ts';
import { edit } from './edit.server.ts';
import { taxSentence } from './taxRule.server.ts';
import type { CustomerChanges } from './schema.ts';
import '#lib/jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: false });

const ana: Actor = { kind: 'staff', id: null, label: 'ana@erp.example' };
const change = (id: string, version: number, changes: CustomerChanges, by = ana) =>
	transaction((tx) => edit(tx, id, { version, changes, by }));

it('changes what is different, says so in the audit log with before and after, and counts the version', async () => {
	const { id } = await aCustomer({ phone: '+593 2 111 1111' });
	const saved = await change(id, 1, { phone: '+593 2 222 2222', full_name: 'Ana Vera' });
	expect(saved).toMatchObject({ phone: '+593 2 222 2222', version: 2 });
	const [entry] = await db.auditEntry.findMany({
		where: { subjectId: id, action: 'customers.edit' }
	});
	expect(entry).toMatchObject({
		before: { phone: '+593 2 111 1111' },
		after: { phone: '+593 2 222 2222' }
	});
	expect(await change(id, 2, { phone: '+593 2 222 2222' })).toMatchObject({ version: 2 });
});

it('tells a second editor who changed what, and lets them decide', async () => {
	const { id } = await aCustomer({ phone: '+593 2 111 1111' });
	await change(id, 1, { phone: '+593 2 222 2222' });
	const refused = change(id, 1, { phone: '+593 2 333 3333' });
	await expect(refused).rejects.toMatchObject({
		code: 'CHANGED_MEANWHILE',
		params: { version: 2 },
		fields: { phone: expect.stringMatching(/ana@erp\.example.*111 1111.*222 2222/) }
	});
	expect(await change(id, 2, { phone: '+593 2 333 3333' })).toMatchObject({ version: 3 });
});

it('names nobody of the staff to a member', async () => {
	const { id } = await aCustomer();
	await change(id, 1, { city: 'Quito' });
	const input = { version: 1, changes: { city: 'Loja' }, by: SYSTEM, reader: 'member' as const };
	const refused = transaction((tx) => edit(tx, id, input));
	await expect(refused).rejects.toMatchObject({
		fields: { city: expect.not.stringContaining('ana@erp.example') }
	});
});

it('of many editors at once lets one through, and overwrites nobody', async () => {
	const { id } = await aCustomer();
	const typed = ['Quito', 'Loja', 'Cuenca', 'Manta', 'Ibarra', 'Ambato'];
	const tried = await Promise.allSettled(typed.map((city) => change(id, 1, { city })));
	const won = tried.flatMap((result) => (result.status === 'fulfilled' ? result.value.city : []));
	expect(won).toHaveLength(1);
	expect(await db.customer.findUniqueOrThrow({ where: { id } })).toMatchObject({
		city: won[0],
		version: 2
	});
});

it('lets Stripe’s copy follow, once there is one', async () => {
	const jobs = () =>
		db.$queryRaw<{ data: { customerId: string } }[]>`
			SELECT data FROM pgboss.job WHERE name = 'billing.push-customer'`;
	const { id } = await aCustomer({ stripeCustomerId: 'cus_edit' });
	await change(id, 1, { notes: 'prefiere que le llamen' });
	expect((await jobs()).filter(({ data }) => data.customerId === id)).toHaveLength(0);
	await change(id, 2, { email: 'nuevo@example.com' });
	expect((await jobs()).filter(({ data }) => data.customerId === id)).toHaveLength(1);
});

it('keeps a tax id as its country writes it, and refuses one that cannot be', async () => {
	const { id } = await aCustomer({ country: 'EC' });
	expect(await change(id, 1, { tax_id: '179.0016919-001' })).toMatchObject({
		taxId: '1790016919001',
		taxIdType: 'ec_ruc',
		taxExempt: 'none'
	});
	await expect(change(id, 2, { tax_id: '1710034066001' })).rejects.toMatchObject({
		code: 'BAD_INPUT',
		fields: { tax_id: expect.stringContaining('RUC') }
	});
	// A number of one country is not one of another.
	await expect(change(id, 2, { country: 'CO' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
	expect(await change(id, 2, { country: 'CO', tax_id: '800197268-4' })).toMatchObject({
		taxIdType: 'co_nit'
	});
});

it('leaves the tax to a company abroad where the setting says so, and takes it back', async () => {
	const { id } = await aCustomer({ country: 'CO' });
	await transaction((tx) => saveSetting(tx, 'billing.seller_country', 'EC', ana, 0));
	await transaction((tx) => saveSetting(tx, 'billing.reverse_charge', true, ana, 0));
	expect(await change(id, 1, { tax_id: '800197268-4' })).toMatchObject({ taxExempt: 'reverse' });
	expect(taxSentence('reverse', 'es')).toContain('sujeto pasivo');
	expect(taxSentence('none', 'es')).toBeNull();
	expect(await change(id, 2, { tax_exempt: 'exempt' })).toMatchObject({ taxExempt: 'exempt' });
	expect(await change(id, 3, { tax_exempt: 'auto' })).toMatchObject({ taxExempt: 'reverse' });
	expect(await change(id, 4, { tax_id: null })).toMatchObject({ taxExempt: 'none', taxId: null });
	const { id: person } = await aCustomer({ country: 'BR' });
	expect(await change(person, 1, { tax_id: '111.444.777-35' })).toMatchObject({
		taxIdType: 'br_cpf',
		taxExempt: 'none'
	});
});
