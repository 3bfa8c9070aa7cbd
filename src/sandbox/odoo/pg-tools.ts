import { rootBytes, rootStorage } from '../proxmox/cluster.ts';
import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import type { Guest } from './commands.ts';
import { ODOO_MS } from './durations.ts';
import { NOT_UP } from './psql.ts';
import { ownerOf } from './server.ts';
import type { DatabaseState, GuestState } from './state.ts';

const MAGIC = 'PGDMP';
/** Sessions of Odoo that PostgreSQL lets in; superusers count against no limit. */
export function isHeld(database: DatabaseState): boolean {
	return database.connectionLimit === 0;
}

export function isShut(database: DatabaseState): boolean {
	return database.allowConnections === false;
}

/** What PostgreSQL says to who may not enter a database; null: it may. @param user of the system, by peer authentication */
export function refusedEntry(database: DatabaseState, user: string | undefined): string | null {
	if (isShut(database))
		return `FATAL:  database "${database.name}" is not currently accepting connections\n`;
	if (database.closed && user !== 'postgres' && user !== ownerOf(database))
		return `FATAL:  permission denied for database "${database.name}"\nDETAIL:  User does not have CONNECT privilege.\n`;
	if (isHeld(database) && user !== 'postgres')
		return `FATAL:  too many connections for database "${database.name}"\n`;
	return null;
}

/** `pg_dump -Fc … -d NAME` and `pg_restore … -d NAME`, which read and write the standard streams. */
export async function pgTool(
	guest: Guest,
	state: GuestState,
	program: 'pg_dump' | 'pg_restore',
	args: string[],
	{ stdin, signal, user }: Invocation
): Promise<Outcome> {
	if (guest.container.readyAtMs > Date.now()) return outcome(1, '', `${program}: error: ${NOT_UP}`);
	const name = args[args.indexOf('-d') + 1] ?? '';
	const database = state.databases[name];
	const socket = 'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: ';
	if (!database)
		return outcome(
			1,
			'',
			`${program}: error: ${socket}FATAL:  database "${name}" does not exist\n`
		);
	const refused = refusedEntry(database, user);
	if (refused) return outcome(1, '', `${program}: error: ${socket}${refused}`);
	if (program === 'pg_dump') {
		await guest.wait(ODOO_MS.dump, signal);
		const {
			filestore: _files,
			allowConnections: _allow,
			connectionLimit: _limit,
			owner: _owner,
			closed: _closed,
			filesUnder: _folder,
			...tables
		} = database;
		return outcome(0, Buffer.from(`${MAGIC}${JSON.stringify(tables)}`));
	}
	await guest.wait(ODOO_MS.load, signal);
	const text = stdin.toString('utf8');
	if (!text.startsWith(MAGIC))
		return outcome(1, '', 'pg_restore: error: input file does not appear to be a valid archive\n');
	const full = noRoom(guest, stdin.length);
	if (full)
		return outcome(
			1,
			'',
			`pg_restore: error: could not execute query: ERROR:  could not extend file "base/16789/24680": ${full}\n`
		);
	const { name: _name, ...tables } = JSON.parse(text.slice(MAGIC.length)) as DatabaseState;
	Object.assign(database, tables, { complete: true });
	guest.changed();
	return outcome(0);
}

/** Bytes that a container may still write: what is left of its own disk and of the storage that it lies on. */
export function freeBytes({ cluster, container }: Guest): number {
	const own = rootBytes(container) - cluster.diskUsed(container);
	const storage = cluster.state.storages.find(({ storage }) => storage === rootStorage(container));
	const left = storage ? storage.totalBytes - cluster.storageUsed(storage, container.node) : own;
	return Math.max(0, Math.min(own, left));
}

/** What the kernel says when this many bytes do not fit; null: they do. */
export function noRoom(guest: Guest, bytes: number): string | null {
	return freeBytes(guest) < bytes ? 'No space left on device' : null;
}

const FILESTORE = /^\/var\/lib\/odoo\/filestore\/([a-z0-9_-]+)\/?$/;

/** The database whose files lie in a folder; null where there is none. */
function owner(state: GuestState, folder: string): DatabaseState | null {
	const name = FILESTORE.exec(folder)?.[1];
	return (
		Object.values(state.databases).find((one) => (one.filesUnder ?? one.name) === name) ?? null
	);
}

/** `tar -cf ARCHIVE -C FOLDER .`, `tar -cf ARCHIVE -T /dev/null`, `tar -C FOLDER -xf -`: of filestores alone. */
export function tar(
	guest: Guest,
	state: GuestState,
	args: string[],
	{ stdin }: Invocation
): Outcome {
	const folder = args[args.indexOf('-C') + 1] ?? '';
	const create = args.indexOf('-cf');
	if (create >= 0) {
		const path = args[create + 1] ?? '';
		const files = args.includes('-T') ? {} : owner(state, folder)?.filestore;
		if (!files) return outcome(2, '', `tar: ${folder}: Cannot open: No such file or directory\n`);
		const content = Buffer.from(`USTAR${JSON.stringify(files)}`);
		const full = noRoom(guest, content.length);
		if (full) return outcome(2, '', `tar: ${path}: Wrote only 4096 of 10240 bytes: ${full}\n`);
		guest.files.write(path, content);
		return outcome(0);
	}
	const database = owner(state, folder);
	const text = stdin.toString('utf8');
	if (!database) return outcome(2, '', `tar: ${folder}: Cannot open: No such file or directory\n`);
	if (!text.startsWith('USTAR'))
		return outcome(2, '', 'tar: This does not look like a tar archive\n');
	const full = noRoom(guest, stdin.length);
	if (full) return outcome(2, '', `tar: Cannot write: ${full}\n`);
	database.filestore = JSON.parse(text.slice('USTAR'.length)) as Record<string, string>;
	guest.changed();
	return outcome(0);
}

/** `find FOLDER -type f -printf '%s\n'`: sizes of a filestore's files. */
export function find(state: GuestState, args: string[]): Outcome {
	const database = owner(state, args[0] ?? '');
	if (!database) return outcome(1, '', `find: ‘${args[0]}’: No such file or directory\n`);
	const sizes = Object.values(database.filestore).map((one) => Buffer.from(one, 'base64').length);
	return outcome(0, sizes.map((size) => `${size}\n`).join(''));
}

/** Whether a filestore's folder is there. One that holds nothing has none, as in `du`. */
export function isFolder(state: GuestState, path: string): boolean {
	const database = owner(state, path);
	return database !== null && Object.keys(database.filestore).length > 0;
}

/** `mv -T FROM TO` of a filestore, to the name that its database has. */
export function move(state: GuestState, args: string[]): Outcome {
	const [from = '', to = ''] = args.filter((arg) => !arg.startsWith('-'));
	const database = owner(state, from);
	if (!database || FILESTORE.exec(to)?.[1] !== database.name)
		return outcome(1, '', `mv: cannot stat '${from}': No such file or directory\n`);
	delete database.filesUnder;
	return outcome(0);
}
