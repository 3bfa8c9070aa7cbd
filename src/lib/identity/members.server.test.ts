import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { createMember, PASSWORD } from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { login } from './login.server.ts';
import { addFirstOwner, removeUnusedOwner } from './members.server.ts';

await testDatabase();

const from = { ip: '203.0.113.9', userAgent: null, requestId: 'test' };
const company = (email: string) =>
	db.customer.create({ data: { companyName: 'Cacao Real', fullName: 'Ana', email } });
const owner = (customerId: string, email: string) =>
	transaction((tx) => addFirstOwner(tx, { customerId, email, fullName: 'Ana', locale: 'es' }));

describe('the first owner of a customer', () => {
	it('is a new person without a password, and is taken back with a refund', async () => {
		const { id } = await company('new@example.com');
		const { userId, joined } = await owner(id, 'new@example.com');
		expect(joined).toBe(true);
		expect(await db.userCredential.findUnique({ where: { userId } })).toMatchObject({
			passwordHash: null
		});
		await transaction((tx) => removeUnusedOwner(tx, id));
		expect(await db.user.findUnique({ where: { id: userId } })).toBeNull();
	});

	it('is not joined to an account that we know before its person logs in', async () => {
		const known = await createMember('owner');
		const { id } = await company(known.email);
		expect(await owner(id, known.email)).toEqual({ userId: known.id, joined: false });
		const membership = { userId_customerId: { userId: known.id, customerId: id } };
		expect(await db.membership.findUnique({ where: membership })).toBeNull();

		await login({ email: known.email, password: PASSWORD, role: 'tenant' }, from);
		expect(await db.membership.findUnique({ where: membership })).not.toBeNull();
	});

	it('stays when that person has come in or belongs elsewhere, too', async () => {
		const known = await createMember('owner');
		await transaction((tx) => removeUnusedOwner(tx, known.customerId));
		expect(await db.user.findUnique({ where: { id: known.id } })).not.toBeNull();
	});
});
