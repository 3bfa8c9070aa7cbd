import { expect, test } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { testDatabase } from './database.ts';

const { url } = await testDatabase();

test('the product uses the clone, as a role that row-level security does not spare', async () => {
	const [row] = await db.$queryRaw<
		{ name: string; super: boolean; bypass: boolean; zone: string }[]
	>`SELECT current_database() AS name, rolsuper AS super, rolbypassrls AS bypass, current_setting('timezone') AS zone
		FROM pg_roles WHERE rolname = current_user`;
	expect(row).toEqual({
		name: new URL(url).pathname.slice(1),
		super: false,
		bypass: false,
		zone: 'UTC'
	});
});
