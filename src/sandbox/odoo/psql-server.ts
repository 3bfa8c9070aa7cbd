import { isHeld, isShut } from './pg-tools.ts';
import { tableNames } from './privileges.ts';
import { ownerOf } from './server.ts';
import { newDatabase, type DatabaseState, type GuestState } from './state.ts';

/** What a statement did or read; `error` in PostgreSQL's words. */
export type Answered = { rows: string[]; changed: boolean } | { error: string };

/**
 * What a superuser tells the server of its databases: who gets in, names, making and dropping them. As the product asks it.
 * @param within the database that the session is in
 * @returns undefined when it is something else
 */
export function serverStatement(
	sql: string,
	state: GuestState,
	within: DatabaseState | undefined,
	now: number
): Answered | undefined {
	const { databases } = state;
	const named = (pattern: RegExp) => pattern.exec(sql)?.slice(1) ?? null;
	const done: Answered = { rows: [], changed: true };
	const gone = (name: string): Answered => ({ error: `ERROR:  database "${name}" does not exist` });

	const reach = named(
		/^select coalesce\(\(select datallowconn \|\| '\|' \|\| datconnlimit from pg_database where datname = '([^']*)'(?: and pg_get_userbyid\(datdba\) = '([^']*)')?\), 'absent'\)$/i
	);
	if (reach) {
		const there = databases[reach[0]!];
		const one = there && (!reach[1] || ownerOf(there) === reach[1]) ? there : undefined;
		return {
			changed: false,
			rows: [one ? `${!isShut(one)}|${isHeld(one) ? 0 : -1}` : 'absent']
		};
	}
	if (/^select rolsuper from pg_roles where rolname = '[^']*'$/i.test(sql))
		return { changed: false, rows: [state.superuser ? 't' : 'f'] };
	if (/^select pg_terminate_backend\(pid.*from pg_stat_activity/i.test(sql))
		return { rows: [], changed: false };
	if (/^select count\(\*\) from pg_stat_activity/i.test(sql))
		return { rows: ['0'], changed: false };

	const access = named(
		/^alter database "([^"]+)" with allow_connections (true|false) connection limit (-1|0)$/i
	);
	if (access) {
		const one = databases[access[0]!];
		if (!one) return gone(access[0]!);
		delete one.allowConnections;
		delete one.connectionLimit;
		if (access[1] === 'false') one.allowConnections = false;
		if (access[2] === '0') one.connectionLimit = 0;
		return done;
	}
	const names = named(/^alter database "([^"]+)" rename to "([^"]+)"$/i);
	if (names) {
		const [from, to] = [names[0]!, names[1]!];
		const one = databases[from];
		if (!one) return gone(from);
		if (databases[to]) return { error: `ERROR:  database "${to}" already exists` };
		delete databases[from];
		// PostgreSQL knows nothing of Odoo's files: they stay where they are.
		databases[to] = { ...one, name: to, filesUnder: one.filesUnder ?? from };
		if (databases[to].filesUnder === to) delete databases[to].filesUnder;
		return done;
	}
	const dropped = named(/^drop database if exists "([^"]+)" with \(force\)$/i);
	if (dropped) {
		delete databases[dropped[0]!];
		return done;
	}
	const made = named(
		/^create database "([^"]+)" owner "([^"]+)" template template0 .*connection limit 0$/i
	);
	if (made) {
		const [name, owner] = [made[0]!, made[1]!];
		if (owner !== 'odoo' && !Object.hasOwn(state.server?.roles ?? {}, owner))
			return { error: `ERROR:  role "${owner}" does not exist` };
		if (databases[name]) return { error: `ERROR:  database "${name}" already exists` };
		databases[name] = {
			...newDatabase(name, state.version, now),
			...(owner === 'odoo' ? {} : { owner }),
			...{ complete: false, connectionLimit: 0, users: [], parameters: {}, modules: {} }
		};
		return done;
	}
	const closed = named(/^revoke connect on database "([^"]+)" from public$/i);
	if (closed) {
		const one = databases[closed[0]!];
		if (!one) return gone(closed[0]!);
		one.closed = true;
		return done;
	}
	const role = named(/^drop role if exists "([^"]+)"$/i);
	if (role) {
		const name = role[0]!;
		const own = Object.values(databases).find((one) => ownerOf(one) === name);
		if (own)
			return {
				error: `ERROR:  role "${name}" cannot be dropped because some objects depend on it\nDETAIL:  owner of database ${own.name}`
			};
		delete state.server?.roles[name];
		return done;
	}
	const roles = named(/^select count\(\*\) from pg_roles where rolname = '([^']*)'$/i);
	if (roles) {
		const isThere = Object.hasOwn(state.server?.roles ?? {}, roles[0]!);
		return { changed: false, rows: [isThere ? '1' : '0'] };
	}
	if (/query_to_xml\(format\('select count/i.test(sql))
		return { changed: false, rows: [JSON.stringify(within?.complete ? counts(within) : {})] };
	if (/json_object_agg\(name, coalesce\(latest_version/i.test(sql)) {
		if (!within?.complete) return { error: 'ERROR:  relation "ir_module_module" does not exist' };
		const installed = Object.entries(within.modules).filter(([, it]) => it === 'installed');
		const rows = installed.map(([name]) => [name, `${within.version}.0.1.0`]);
		return { changed: false, rows: [JSON.stringify(Object.fromEntries(rows))] };
	}
	return undefined;
}

/** Rows of each table, as far as the stand-in has any. */
function counts(database: DatabaseState): Record<string, number> {
	const known: Record<string, number> = {
		res_users: database.users.length,
		ir_config_parameter: Object.keys(database.parameters).length,
		ir_module_module: Object.keys(database.modules).length,
		ir_attachment: Object.keys(database.filestore).length,
		res_lang: database.langs.length,
		res_company: 1
	};
	return Object.fromEntries(tableNames(database).map((table) => [table, known[table] ?? 0]));
}
