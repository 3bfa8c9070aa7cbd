import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import type { Guest } from './commands.ts';
import { refusedEntry } from './pg-tools.ts';
import { changePrivileges, privilegeRows } from './privileges.ts';
import { serverStatement } from './psql-server.ts';
import { connect, ownerOf } from './server.ts';
import type { DatabaseState, GuestState } from './state.ts';

const QUERY_MS = 60;

/** What every client of PostgreSQL says while the server is not there. */
export const NOT_UP =
	'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: No such file or directory\n\tIs the server running locally and accepting connections on that socket?\n';

/** The few questions that an operator asks PostgreSQL: which databases there are, and whether one is whole. */
export async function psql(
	guest: Guest,
	own: GuestState,
	args: string[],
	{ stdin, user }: Pick<Invocation, 'stdin' | 'user'>
): Promise<Outcome> {
	await guest.wait(QUERY_MS, new AbortController().signal);
	if (guest.container.readyAtMs > Date.now()) {
		return outcome(2, '', `psql: error: ${NOT_UP}`);
	}
	const { flags, command, database, host, role } = options(args);
	const session = host
		? connect(guest.cluster, { container: guest.container, state: own }, host, role)
		: null;
	if (session && 'error' in session) return outcome(2, '', `psql: error: ${session.error}`);
	// Where there is only the client, there is none on the socket.
	if (!host && (own.databaseHost || own.kind === 'odoo_only'))
		return outcome(2, '', `psql: error: ${NOT_UP}`);
	const state = session ? session.server : own;
	const names = ['postgres', ...Object.keys(state.databases).sort(), 'template0', 'template1'];
	if (flags.includes('l')) {
		const rows = names.map((name) => ` ${name} | odoo | UTF8 | libc | C.UTF-8 | C.UTF-8 |  |  | `);
		return outcome(0, `${rows.join('\n')}\n`);
	}
	if (!names.includes(database)) {
		return outcome(
			2,
			'',
			`psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  database "${database}" does not exist\n`
		);
	}
	const source = command ?? stdin.toString('utf8');
	if (source.trim() === '') return outcome(0);
	const sql = source.trim().replace(/;$/, '');
	const wanted = state.databases[database];
	// Over the network nobody is a superuser here.
	const refused = wanted && refusedEntry(wanted, host ? role : user);
	if (refused) {
		const socket = 'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: ';
		return outcome(2, '', `psql: error: ${socket}${refused}`);
	}
	const told = serverStatement(sql, state, wanted, guest.cluster.now());
	if (told && 'error' in told) return outcome(3, '', `${told.error}\n`);
	if (told) {
		if (told.changed) guest.changed();
		return outcome(0, told.rows.map((row) => `${row}\n`).join(''));
	}
	const change = wanted && changePrivileges(sql, wanted);
	if (change === null) guest.changed();
	if (change !== undefined)
		return change ? outcome(3, '', `${change}\n`) : outcome(0, `${sql.split(' ')[0]}\n`);
	const rows = answer(sql, state, names, wanted);
	if (typeof rows === 'string') return outcome(1, '', `${rows}\n`);
	const bare = flags.includes('t');
	const body = rows.map((row) => `${bare ? '' : ' '}${row}\n`).join('');
	return outcome(0, bare ? body : ` ?column? \n----------\n${body}(${rows.length} rows)\n`);
}

/** Rows, or the error's text. */
function answer(
	sql: string,
	state: GuestState,
	names: string[],
	database: DatabaseState | undefined
): string[] | string {
	if (/from\s+pg_database/i.test(sql)) {
		const wanted = /datname\s*=\s*'([^']*)'/i.exec(sql)?.[1];
		const templates = /not\s+datistemplate|datistemplate\s*=\s*false/i.test(sql);
		const owner = /pg_get_userbyid\(datdba\)\s*=\s*'([^']*)'/i.exec(sql)?.[1];
		const listed = names.filter(
			(name) =>
				!(templates && name.startsWith('template')) &&
				(owner === undefined ||
					(state.databases[name] !== undefined && ownerOf(state.databases[name]) === owner))
		);
		const found = wanted === undefined ? listed : listed.filter((name) => name === wanted);
		return /select\s+1\b/i.test(sql) ? found.map(() => '1') : found;
	}
	const module = /select\s+state\s+from\s+ir_module_module\s+where\s+name\s*=\s*'([^']*)'/i.exec(
		sql
	)?.[1];
	if (module !== undefined) {
		if (!database?.complete) return relationMissing('ir_module_module');
		return [database.modules[module] ?? 'uninstalled'];
	}
	const several =
		/select\s+json_object_agg\(key,\s*value\)\s+from\s+ir_config_parameter\s+where\s+key\s+in\s+\(([^)]*)\)/i.exec(
			sql
		)?.[1];
	if (several !== undefined) {
		if (!database?.complete) return relationMissing('ir_config_parameter');
		const keys = several.split(',').map((key) => key.trim().slice(1, -1));
		const found = Object.entries(database.parameters).filter(([key]) => keys.includes(key));
		// An aggregate over nothing is NULL, which psql prints as an empty line.
		return [found.length > 0 ? JSON.stringify(Object.fromEntries(found)) : ''];
	}
	const parameter =
		/select\s+value\s+from\s+ir_config_parameter\s+where\s+key\s*=\s*'([^']*)'/i.exec(sql)?.[1];
	if (parameter !== undefined) {
		if (!database?.complete) return relationMissing('ir_config_parameter');
		const value = database.parameters[parameter];
		return value === undefined ? [] : [value];
	}
	if (/^select\s+1$/i.test(sql)) return ['1'];
	if (/from\s+pg_class/i.test(sql)) {
		if (!database?.complete) return ['[]'];
		return privilegeRows(sql, database) ?? [];
	}
	if (/^select\s+count\(\*\)\s+from\s+res_users\s+where\s+active\s+and\s+not\s+share$/i.test(sql)) {
		if (!database?.complete) return relationMissing('res_users');
		return [String(database.users.filter((user) => user.active && !user.share).length)];
	}
	const size = /pg_database_size\('?([^')]*)'?\)/i.exec(sql)?.[1];
	if (size !== undefined) {
		const one = state.databases[size];
		return [String(38_000_000 + Object.keys(one?.modules ?? {}).length * 3_000_000)];
	}
	return `ERROR:  syntax error at or near "${sql.split(/\s+/)[0]}"`;
}

function relationMissing(table: string): string {
	return `ERROR:  relation "${table}" does not exist`;
}

function options(args: string[]): {
	flags: string;
	command: string | null;
	database: string;
	host: string;
	role: string;
} {
	let flags = '';
	let command: string | null = null;
	let database = 'postgres';
	let host = '';
	let role = 'odoo';
	for (let index = 0; index < args.length; index += 1) {
		const arg = args[index]!;
		const value = () => args[(index += 1)] ?? '';
		if (arg === '--command') command = value();
		else if (arg === '--dbname') database = value();
		else if (/^-[a-zA-Z]+$/.test(arg)) {
			flags += arg.slice(1);
			const last = arg.at(-1);
			if (last === 'c') command = value();
			else if (last === 'd') database = value();
			else if (last === 'h') host = value();
			else if (last === 'U') role = value();
			else if (last === 'p' || last === 'v') value();
		} else if (!arg.startsWith('-')) database = arg;
	}
	return { flags, command, database, host, role };
}
