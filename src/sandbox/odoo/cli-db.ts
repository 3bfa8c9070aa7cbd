import { randomUUID } from 'node:crypto';
import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import { packDatabase, unpackDatabase } from './archive.ts';
import { missing, type OdooArguments } from './cli.ts';
import type { Guest } from './commands.ts';
import { ODOO_MS } from './durations.ts';
import { refusedEntry } from './pg-tools.ts';
import { ownerOf } from './server.ts';
import { hashPassword, newDatabase, type DatabaseState, type GuestState } from './state.ts';

export const DATABASE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** `odoo-bin db init|duplicate|drop|dump|load|rename`. */
export async function databaseCommand(
	guest: Guest,
	state: GuestState,
	parsed: OdooArguments,
	invocation: Invocation,
	interrupted: boolean
): Promise<Outcome> {
	const [verb = '', ...names] = parsed.words;
	const wait = (ms: number) => guest.wait(interrupted ? ms / 2 : ms, invocation.signal);
	switch (verb) {
		case 'init':
			if (state.version < 19) return unknown(verb);
			return init(guest, state, parsed, names[0] ?? '', wait, interrupted);
		case 'duplicate':
			return duplicate(guest, state, parsed, names, wait, interrupted);
		case 'drop': {
			const [name = ''] = names;
			if (!state.databases[name]) return outcome(1, '', `Database ${name} does not exist.\n`);
			await wait(ODOO_MS.drop);
			if (!interrupted) delete state.databases[name];
			guest.changed();
			return outcome(0);
		}
		case 'rename': {
			const [from = '', to = ''] = names;
			const database = state.databases[from];
			if (!database) return missing(from);
			if (state.databases[to]) return exists(to);
			await wait(ODOO_MS.rename);
			delete state.databases[from];
			state.databases[to] = { ...database, name: to };
			guest.changed();
			return outcome(0);
		}
		case 'dump':
			return dump(guest, state, parsed, names, wait, interrupted);
		case 'load':
			return load(guest, state, parsed, names, invocation, wait, interrupted);
		default:
			return unknown(verb);
	}
}

function unknown(verb: string): Outcome {
	return outcome(
		2,
		'',
		`usage: odoo-bin db [-h] [-c CONFIG] {load,dump,duplicate,rename,drop} ...\nodoo-bin db: error: invalid choice: '${verb}'\n`
	);
}

function exists(name: string): Outcome {
	return outcome(
		1,
		'',
		`Target database ${name} already exists, aborting.\n\nPass the \`--force\` flag to overwrite it.\n`
	);
}

type Wait = (ms: number) => Promise<void>;

async function init(
	guest: Guest,
	state: GuestState,
	{ options, flags }: OdooArguments,
	name: string,
	wait: Wait,
	interrupted: boolean
): Promise<Outcome> {
	if (!DATABASE_NAME.test(name))
		return outcome(2, '', `odoo-bin db init: error: invalid database name\n`);
	if (state.databases[name] && !flags.has('--force') && !flags.has('-f')) return exists(name);
	const database = newDatabase(name, state.version, guest.cluster.now(), {
		lang: options.language,
		country: options.country,
		demo: flags.has('--with-demo')
	});
	const admin = database.users.find((user) => user.id === 2)!;
	admin.login = options.username ?? admin.login;
	if (options.password) admin.password = hashPassword(options.password);
	database.complete = false;
	state.databases[name] = database;
	guest.changed();
	await wait(ODOO_MS.init);
	if (interrupted) return outcome(137);
	database.complete = true;
	guest.changed();
	return outcome(0);
}

async function duplicate(
	guest: Guest,
	state: GuestState,
	{ flags }: OdooArguments,
	[from = '', to = '']: string[],
	wait: Wait,
	interrupted: boolean
): Promise<Outcome> {
	const source = state.databases[from];
	if (!DATABASE_NAME.test(to))
		return outcome(
			2,
			'',
			`odoo-bin db duplicate: error: the following arguments are required: target\n`
		);
	if (!source)
		return outcome(
			1,
			'',
			`psycopg2.errors.InvalidCatalogName: template database "${from}" does not exist\n`
		);
	if (state.databases[to] && !flags.has('-f') && !flags.has('--force')) return exists(to);
	await wait(ODOO_MS.duplicate);
	// PostgreSQL copies the files first and names the database last: a killed copy leaves nothing.
	if (interrupted) return outcome(137);
	state.databases[to] = copyOf(
		source,
		to,
		guest.cluster.now(),
		flags.has('-n') || flags.has('--neutralize')
	);
	guest.changed();
	return outcome(0);
}

/** A copy has its own identity, and a neutralised one sends no mail. */
export function copyOf(
	source: DatabaseState,
	name: string,
	now: number,
	neutralize: boolean
): DatabaseState {
	const copy = structuredClone(source);
	copy.name = name;
	copy.createdAt = now;
	delete copy.closed;
	copy.parameters['database.uuid'] = randomUUID();
	if (neutralize) copy.parameters['database.is_neutralized'] = 'True';
	return copy;
}

async function dump(
	guest: Guest,
	state: GuestState,
	{ options, flags }: OdooArguments,
	[name = '', path = '-']: string[],
	wait: Wait,
	interrupted: boolean
): Promise<Outcome> {
	const database = state.databases[name];
	if (!database) return missing(name);
	const refused = refusedEntry(database, ownerOf(database));
	if (refused) return outcome(1, '', `pg_dump: error: ${refused}`);
	await wait(ODOO_MS.dump);
	const filestore = !flags.has('--no-filestore') && options.format !== 'dump';
	const archive = packDatabase(database, filestore, guest.cluster.kernel.clock.nowMs());
	// A killed dump leaves what was written so far.
	const content = interrupted ? archive.subarray(0, archive.length / 2) : archive;
	if (path === '-') return outcome(0, content);
	guest.files.write(path, content);
	return outcome(0);
}

async function load(
	guest: Guest,
	state: GuestState,
	{ flags }: OdooArguments,
	names: string[],
	{ stdin }: Invocation,
	wait: Wait,
	interrupted: boolean
): Promise<Outcome> {
	const [name = '', path = '-'] = names;
	const force = flags.has('-f') || flags.has('--force');
	if (state.databases[name] && !force) return exists(name);
	const content = path === '-' ? stdin : guest.files.read(path);
	if (!content)
		return outcome(1, '', `FileNotFoundError: [Errno 2] No such file or directory: '${path}'\n`);
	const database = unpackDatabase(content);
	if (!database) return outcome(1, '', 'zipfile.BadZipFile: File is not a zip file\n');
	await wait(ODOO_MS.load);
	const copy = copyOf(
		database,
		name,
		guest.cluster.now(),
		flags.has('-n') || flags.has('--neutralize')
	);
	copy.complete = !interrupted;
	state.databases[name] = copy;
	guest.changed();
	return outcome(interrupted ? 137 : 0);
}
