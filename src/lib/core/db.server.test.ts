import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import {
	asCustomer,
	asOwner,
	db,
	isOverloaded,
	isUniqueViolation,
	transaction
} from './db.server.ts';
import { env } from './env.server.ts';

await testDatabase();

const company = (companyName: string) =>
	db.customer.create({
		data: { companyName, fullName: 'Ana', email: `${companyName}@example.com` }
	});

describe("a customer's transaction", () => {
	it('sees its own rows, whatever it asks for, and reaches no secret', async () => {
		const [ours] = [await company('ours'), await company('theirs')];
		const scope = { customerId: ours.id, userId: ours.id };
		const seen = await asCustomer(scope, (tx) => tx.customer.findMany({ select: { id: true } }));
		expect(seen).toEqual([{ id: ours.id }]);
		await expect(asCustomer(scope, (tx) => tx.userCredential.findMany())).rejects.toThrow(
			/permission denied/
		);
		await expect(
			asCustomer(scope, (tx) => tx.customer.findMany({ select: { notes: true } }))
		).rejects.toThrow(/permission denied/);
		await expect(asCustomer(scope, (tx) => tx.customer.deleteMany())).rejects.toThrow(
			/permission denied/
		);
	});

	it("is the owner's again where a verb asks for it, and leaves no trace on its connection", async () => {
		const ours = await company('verb');
		const scope = { customerId: ours.id, userId: ours.id };
		const counted = await asCustomer(scope, (tx) => asOwner(tx, (owner) => owner.customer.count()));
		expect(counted).toBeGreaterThan(1);
		const roles = await Promise.all(
			Array.from(
				{ length: 10 },
				() => db.$queryRaw<{ role: string }[]>`SELECT current_user AS role`
			)
		);
		expect(new Set(roles.flat().map(({ role }) => role))).not.toContain('erp_tenant');
	});
});

describe('an error of the database', () => {
	it('tells a row that exists already', async () => {
		await db.setting.create({ data: { key: 'twice', category: 'test' } });
		const again = await db.setting
			.create({ data: { key: 'twice', category: 'test' } })
			.catch((error: unknown) => error);
		expect([isUniqueViolation(again), isOverloaded(again)]).toEqual([true, false]);
	});

	it('tells that no connection became free', async () => {
		const held = Array.from({ length: env.DATABASE_POOL_SIZE }, () =>
			transaction(() => sleep(7_000))
		);
		await sleep(200);
		const refused = await transaction((tx) => tx.setting.count()).catch((error: unknown) => error);
		expect(isOverloaded(refused)).toBe(true);
		await Promise.all(held);
	});
});
