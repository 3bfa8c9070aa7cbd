import { malformed, parseJson, readBack } from './answers.ts';
import { checked } from './database-name.ts';
import { OdooError } from './errors.ts';
import { filesOf } from './filestore.server.ts';
import type { PostgresTools } from './postgres.server.ts';
import { premisesOf } from './premises.server.ts';
import { inventorySql, modulesSql, readInventory, type Inventory } from './inventory.ts';

/**
 * Who gets into a database: `open` Odoo · `held` nobody but PostgreSQL's superuser, so that nothing writes and its
 * scheduled jobs rest · `shut` nobody at all, so that Odoo does not even list it.
 */
export type Reach = 'open' | 'held' | 'shut' | 'absent';

/** A file of a packed database, inside its container. */
export interface PackedFile {
	path: string;
	bytes: number;
	sha256: string;
}

const SECONDS = { change: 60, pack: 6 * 3600, load: 12 * 3600, count: 3600 } as const;

const DUMP = 'database.dump';

/** Whether a packed file is the database, which lies where PostgreSQL is; the other lies where Odoo is. */
export function isDump(path: string): boolean {
	return path.endsWith(`/${DUMP}`);
}

/** SQL of what a database must be for each reach. */
const REACH_SQL: Record<Exclude<Reach, 'absent'>, string> = {
	open: 'allow_connections true connection limit -1',
	held: 'allow_connections true connection limit 0',
	shut: 'allow_connections false connection limit 0'
};

/**
 * What takes a database elsewhere, done by PostgreSQL's own superuser beside it: Odoo's own dump and load need a database
 * that Odoo may enter, and so may write, and give the copy another identity. See docs/decisions/031.
 */
export function transferOf(tools: PostgresTools) {
	const { call, run, role, beside } = tools;
	const files = filesOf(tools);
	// Odoo's files are beside Odoo, a dump is beside PostgreSQL, which may be two systems.
	const dumps = filesOf({ ...tools, ...beside });
	const placeOf = (path: string) => (isDump(path) ? dumps : files);
	const isSplit = beside.owner !== null;
	const asPostgres = (...argv: string[]) => ['runuser', '-u', 'postgres', '--', ...argv];
	const psql = (database: string) =>
		asPostgres('psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', database, '-At');
	/** One statement: some may not be part of a transaction. */
	const change = (operation: string, sql: string) =>
		beside.run(operation, psql('postgres'), SECONDS.change, `${sql};\n`);
	const question = (operation: string, database: string, sql: string, seconds?: number) =>
		beside.read(operation, psql(database), seconds, `${sql};\n`);

	// What is somebody else's there is not there for us: it is neither entered nor dropped.
	const mine = isSplit ? ` and pg_get_userbyid(datdba) = '${beside.owner}'` : '';

	const reach = async (database: string): Promise<Reach> => {
		const text = await question(
			'db.reach',
			'postgres',
			// PostgreSQL says that there is none: of a statement that never came to it, it would say nothing as well.
			`select coalesce((select datallowconn || '|' || datconnlimit from pg_database where datname = '${database}'${mine}), 'absent')`
		);
		const line = text.trim();
		if (line === 'absent') return 'absent';
		const [, allowed, limit] = /^(true|false)\|(-?\d+)$/.exec(line) ?? [];
		if (!allowed) throw malformed('db.reach', text);
		if (allowed === 'false') return 'shut';
		return limit === '0' ? 'held' : 'open';
	};

	const setReach = (database: string, to: Exclude<Reach, 'absent'>) =>
		call(`db.${to}`, true, database, {}, async () => {
			const name = checked(database);
			if ((await reach(name)) !== to)
				await change(`db.${to}`, `alter database "${name}" with ${REACH_SQL[to]}`);
			// A limit keeps nobody out who is in already, and nobody at all who is a superuser.
			if (to !== 'open') await emptied(`db.${to}`, name);
			const now = await readBack(`db.${to}`, () => reach(name));
			if (now !== to) throw notDone(`db.${to}`, `The database ${name} is ${now}`);
		});

	/** Ends every session of a database and reads back that there is none. */
	async function emptied(operation: string, name: string): Promise<void> {
		await change(
			operation,
			`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`
		);
		const left = await question(
			operation,
			'postgres',
			`select count(*) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`
		);
		if (left.trim() !== '0') throw notDone(operation, `${left.trim()} sessions of ${name} go on`);
	}

	const drop = (database: string) =>
		call('db.drop', true, database, { force: true }, async () => {
			const name = checked(database);
			const there = (await reach(name)) !== 'absent';
			if (there) await change('db.drop', `drop database if exists "${name}" with (force)`);
			await files.remove(name);
			if ((await readBack('db.drop', () => reach(name))) !== 'absent')
				throw notDone('db.drop', `The database ${name} is still there`);
			return there;
		});

	async function makeFolder(operation: string, folder: string): Promise<void> {
		const words = ['mkdir', '-p', '-m', '700', folder];
		await run(operation, words, SECONDS.change);
		if (isSplit) await beside.run(operation, words, SECONDS.change);
	}

	return {
		...premisesOf(tools),
		/** Who gets into a database. */
		reachOf: (database: string) =>
			call('db.reach', false, database, {}, () => reach(checked(database))),
		/** Lets Odoo in, keeps it out, or keeps everybody out, and reads it back. Repeatable. @throws OdooError `not_done` */
		setReach,
		/** Gives a database and its files another name; nobody may be in it. Done already: nothing happens. */
		renameDatabase: (from: string, to: string) =>
			call('db.rename', true, from, { to }, async () => {
				const [was, is] = [checked(from), checked(to)];
				if ((await reach(was)) !== 'absent') {
					await emptied('db.rename', was);
					await change('db.rename', `alter database "${was}" rename to "${is}"`);
				}
				await files.rename(was, is);
				if ((await readBack('db.rename', () => reach(is))) === 'absent')
					throw notDone('db.rename', `There is no database ${is}`);
			}),
		/** Removes a database with its files whatever its reach, and looks that it is gone. @returns whether it was there */
		removeDatabase: drop,
		/** Bytes of a database and of its files, and bytes that are free where they lie. */
		room: (database: string | null) =>
			call('db.room', false, database ?? '', {}, async () => {
				const free = Math.min(await files.free(), isSplit ? await dumps.free() : Infinity);
				if (database === null) return { databaseBytes: 0, fileBytes: 0, freeBytes: free };
				const name = checked(database);
				const size = await question('db.room', 'postgres', `select pg_database_size('${name}')`);
				if (!/^\d+$/.test(size.trim())) throw malformed('db.room', size);
				const { bytes } = await files.count(name);
				return { databaseBytes: Number(size.trim()), fileBytes: bytes, freeBytes: free };
			}),
		/** What is in a database, so that a copy can be compared with it. Counts every row: minutes for large ones. */
		inventory: (database: string): Promise<Inventory> =>
			call('db.inventory', false, database, {}, async () => {
				const name = checked(database);
				const tables = await question('db.inventory', name, inventorySql, SECONDS.count);
				const modules = await question('db.inventory', name, modulesSql);
				const found = readInventory(parseJson(tables.trim()), parseJson(modules.trim()));
				if (!found)
					throw malformed('db.inventory', `${tables.slice(0, 80)} ${modules.slice(0, 80)}`);
				const { count, bytes } = await files.count(name);
				return { ...found, files: count, fileBytes: bytes };
			}),
		/**
		 * Writes a held database to one file and its files to another; what an earlier try left is replaced.
		 * @param folder absolute, of ours alone
		 */
		packDatabase: (database: string, folder: string) =>
			call('db.pack', true, database, { folder }, async () => {
				const name = checked(database);
				await makeFolder('db.pack', folder);
				const [dump, archive] = [`${folder}/${DUMP}`, `${folder}/files.tar`];
				// Root writes the file, since it may be nobody else's to read; PostgreSQL's user only reads the database.
				const words = [
					'runuser',
					'-u',
					'postgres',
					'--',
					'pg_dump',
					'-Fc',
					'--no-owner',
					'-d',
					name
				];
				await beside.run('db.pack', ['sh', '-c', `${words.join(' ')} > ${dump}`], SECONDS.pack);
				await files.pack(name, archive);
				return { dump: await dumps.weigh(dump), files: await files.weigh(archive) };
			}),
		isFile: (path: string) =>
			call('file.look', false, '', { path }, () => placeOf(path).isThere(path, '-s')),
		/** Size and digest of a file. */
		weigh: (path: string) =>
			call('file.weigh', false, '', { path }, () => placeOf(path).weigh(path)),
		/**
		 * Makes a held database from packed files: nobody gets into it before `setReach`. What stands there under the name is
		 * replaced, so the name must be this run's own.
		 * @throws OdooError `no_space` when the disk is full
		 */
		unpackDatabase: (database: string, folder: string) =>
			call('db.unpack', true, database, { folder }, async () => {
				const name = checked(database);
				if ((await reach(name)) !== 'absent')
					await change('db.unpack', `drop database if exists "${name}" with (force)`);
				await files.remove(name);
				await change(
					'db.unpack',
					`create database "${name}" owner "${role}" template template0 encoding 'unicode' lc_collate 'C' connection limit 0`
				);
				// As Odoo's role, which is to own everything; rights that were taken from it are in the dump.
				const words = [
					'runuser',
					'-u',
					'postgres',
					'--',
					'pg_restore',
					'--exit-on-error',
					'--no-owner'
				];
				const into = [...words, `--role=${role}`, '-d', name].join(' ');
				if (isSplit) await change('db.unpack', `revoke connect on database "${name}" from public`);
				await beside.run('db.unpack', ['sh', '-c', `${into} < ${folder}/${DUMP}`], SECONDS.load);
				await files.unpack(name, `${folder}/files.tar`);
				const now = await readBack('db.unpack', () => reach(name));
				if (now !== 'held') throw notDone('db.unpack', `The database ${name} is ${now}`);
			}),
		/** Removes a folder of ours. */
		removeFolder: (folder: string) =>
			call('file.remove', true, '', { folder }, async () => {
				await run('file.remove', ['rm', '-rf', folder], SECONDS.change);
				if (isSplit) await beside.run('file.remove', ['rm', '-rf', folder], SECONDS.change);
			}),
		makeFolder: (folder: string) =>
			call('file.folder', true, '', { folder }, () => makeFolder('file.folder', folder))
	};
}

function notDone(operation: string, message: string): OdooError {
	return new OdooError({ operation, kind: 'not_done', message, retryable: true });
}
