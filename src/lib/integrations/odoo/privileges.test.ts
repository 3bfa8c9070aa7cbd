import { expect, inject, it } from 'vitest';
import pg from 'pg';
import { testDatabase } from '../../../../tests/setup/database.ts';
import {
	grantSql,
	lackedSql,
	revokeSql,
	staysWritable,
	tablesSql,
	type Right
} from './privileges.ts';

const { url } = await testDatabase();

/** Asks a real PostgreSQL as the owner of the tables, which Odoo's role is of its own. */
async function postgres<T>(work: (ask: (sql: string) => Promise<unknown>) => Promise<T>) {
	expect(inject('serverUrl')).toBeTruthy();
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		return await work(async (sql) => {
			const result = await client.query(sql);
			const row: unknown = result.rows?.[0];
			return row && Object.values(row)[0];
		});
	} finally {
		await client.end();
	}
}

it('takes writing from the owner of the tables and gives exactly that back', async () => {
	await postgres(async (ask) => {
		const role = String(await ask('select current_user'));
		const lacked = () => ask(lackedSql(role)) as Promise<Right[]>;
		await ask('create table "res users" (id int); create table bus_bus (id int)');
		await ask('create table odd (id int); revoke delete on odd from current_user');
		const before = await lacked();
		expect(before).toEqual([['odd', 'DELETE']]);
		const all = (await ask(tablesSql(role))) as string[];
		expect(all).toEqual(expect.arrayContaining(['res users', 'bus_bus', 'odd', 'customers']));

		const tables = all.filter((table) => !staysWritable(table));
		await ask(revokeSql(role, tables));
		await expect(ask('insert into "res users" values (1)')).rejects.toMatchObject({
			code: '42501'
		});
		await expect(ask('truncate odd')).rejects.toMatchObject({ code: '42501' });
		await expect(ask('update customers set notes = null')).rejects.toMatchObject({ code: '42501' });
		expect(await ask('insert into bus_bus values (1) returning id')).toBe(1);
		expect(await ask('select count(*)::int from "res users"')).toBe(0);
		const taken = await lacked();
		expect(taken).toHaveLength(tables.length * 4);

		const back = taken.filter(([table, right]) => !(table === 'odd' && right === 'DELETE'));
		await ask(grantSql(role, back));
		expect(await lacked()).toEqual(before);
		expect(await ask('insert into "res users" values (2) returning id')).toBe(2);
		await expect(ask('delete from odd')).rejects.toMatchObject({ code: '42501' });
	});
});

it('leaves writable what logging in and reading need, and nothing that merely sounds like it', () => {
	expect(
		['res_users_log', 'res_device_log', 'mail_presence', 'bus_presence'].every(staysWritable)
	).toBe(true);
	expect(['res_users', 'ir_attachment_rel', 'x_bus_bus', 'mail_message'].some(staysWritable)).toBe(
		false
	);
});
