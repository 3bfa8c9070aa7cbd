import { MIB } from '#lib/core/bytes.ts';
import { z } from 'zod';
import { commandFailed, malformed, parseJson, readBack } from './answers.ts';
import { checked } from './database-name.ts';
import { OdooError } from './errors.ts';
import type { OdooExec } from './odoo.server.ts';
import {
	grantSql,
	lackedSql,
	revokeSql,
	staysWritable,
	tablesSql,
	type Right
} from './privileges.ts';

/** How PostgreSQL beside Odoo is asked; `odoo.server.ts` has it. */
export interface PostgresTools {
	/** Of Odoo, the owner of its tables. */
	role: string;
	/** System user that Odoo runs as. */
	user: string;
	configFile: string;
	call<T>(
		operation: string,
		changes: boolean,
		database: string,
		request: unknown,
		send: () => Promise<T>
	): Promise<T>;
	query(operation: string, database: string, sql: string): Promise<string>;
	/** A question, asked again while that may help. */
	read(operation: string, argv: string[], seconds?: number, stdin?: string): Promise<string>;
	exec: OdooExec;
	/** A change beside Odoo that must end with 0. */
	run(operation: string, argv: string[], seconds: number, stdin?: string): Promise<string>;
	/** Several statements as one transaction. */
	change(operation: string, database: string, sql: string): Promise<void>;
	/** The system that PostgreSQL is on. */
	beside: Beside;
}

/** Commands on the system that PostgreSQL is on: Odoo's own, or a server of databases. */
export interface Beside extends Pick<PostgresTools, 'exec' | 'run' | 'read'> {
	/** Of a server: whose databases alone are looked at; null where all are Odoo's. */
	owner: string | null;
}

const tablesSchema = z.array(z.string());
const rightsSchema = z.array(z.tuple([z.string(), z.string()]));

/** Rights of Odoo's role on its own tables: how a database is made to take no writes. See docs/decisions/012. */
export function rightsOf({ role, call, query, change }: PostgresTools) {
	const lacked = async (database: string): Promise<Right[]> => {
		const text = await query('db.rights', database, lackedSql(role));
		const read = rightsSchema.safeParse(parseJson(text.trim()));
		if (!read.success) throw malformed('db.rights', text);
		return read.data;
	};
	const notDone = (operation: string, message: string) =>
		new OdooError({ operation, kind: 'not_done', message, retryable: true });

	return {
		/** Rights of writing that Odoo lacks on its own tables; none in an ordinary database. */
		lackedRights: (database: string) =>
			call('db.rights', false, database, {}, () => lacked(checked(database))),
		/**
		 * Takes writing from Odoo, except for what logging in and reading need, and reads it back.
		 * @throws OdooError `not_done` when PostgreSQL still lets it write: its role is a superuser
		 */
		takeWriting: (database: string) =>
			call('db.take-writing', true, database, {}, async () => {
				const text = await query('db.tables', checked(database), tablesSql(role));
				const read = tablesSchema.safeParse(parseJson(text.trim()));
				if (!read.success || read.data.length === 0) throw malformed('db.tables', text);
				const tables = read.data.filter((table) => !staysWritable(table));
				await change('db.take-writing', database, revokeSql(role, tables));
				const now = new Set(
					(await readBack('db.take-writing', () => lacked(database))).map(
						([table, privilege]) => `${table} ${privilege}`
					)
				);
				const left = tables.filter((table) => !now.has(`${table} UPDATE`));
				if (left.length > 0)
					throw notDone('db.take-writing', `Odoo may still write ${left.slice(0, 5).join(', ')}`);
			}),
		/**
		 * Gives back what was taken and reads it back.
		 * @param except what Odoo lacked before, and goes on lacking
		 */
		giveWriting: (database: string, except: Right[]) =>
			call('db.give-writing', true, database, { except }, async () => {
				const stay = new Set(except.map(([table, privilege]) => `${table} ${privilege}`));
				const missing = async () =>
					(await lacked(checked(database))).filter(
						([table, privilege]) => !stay.has(`${table} ${privilege}`)
					);
				const rights = await missing();
				if (rights.length === 0) return;
				await change('db.give-writing', database, grantSql(role, rights));
				const left = await readBack('db.give-writing', missing);
				if (left.length > 0)
					throw notDone(
						'db.give-writing',
						`Odoo may not yet write ${left
							.slice(0, 5)
							.map(([table]) => table)
							.join(', ')}`
					);
			})
	};
}

/** What a database uses. */
export function usageOf({ configFile, call, query, read, exec }: PostgresTools) {
	return {
		/** Active internal users, and megabytes of the database with its files. */
		measure: (database: string) =>
			call('db.measure', false, database, {}, async () => {
				const name = checked(database);
				const users = await number(
					query('db.users', name, 'select count(*) from res_users where active and not share')
				);
				const bytes = await number(query('db.size', name, `select pg_database_size('${name}')`));
				const config = await read('db.config', ['cat', configFile]);
				const folder = /^data_dir\s*=\s*(\S+)/m.exec(config)?.[1] ?? '/var/lib/odoo';
				const kilobytes = await filestore(`${folder}/filestore/${name}`);
				return { users, diskMb: Math.ceil(bytes / MIB + kilobytes / 1024) };
			})
	};

	async function filestore(path: string): Promise<number> {
		const result = await exec(['du', '-sk', path], { timeoutMs: 60_000, changes: false });
		if (result.code === 0) return number(Promise.resolve(result.stdout));
		// A database whose users uploaded nothing has no folder.
		if (/No such file/i.test(result.stderr)) return 0;
		throw commandFailed('db.files', false, result);
	}
}

async function number(asked: Promise<string>): Promise<number> {
	const text = await asked;
	const value = /^\s*(\d+)/.exec(text)?.[1];
	if (value === undefined) throw malformed('db.measure', text);
	return Number(value);
}
