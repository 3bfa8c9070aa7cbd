/** A right of Odoo's role on one of its tables. */
export type Right = [table: string, privilege: string];

/** Everything that changes rows. */
const WRITING = ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] as const;

/**
 * What Odoo writes while people log in and read: the log of logins (`res_users_log`, and `res_device_log` from 18 on), the
 * settings of who comes for the first time, the bus and who is online (`bus_presence` up to 18, `mail_presence` from 19 on),
 * bundles of scripts and styles, which it keeps as attachments, its own log, and from 19 on its signals between workers. A
 * table that a version lacks is no matter.
 */
const KEPT =
	/^(res_users_log|res_device_log|res_users_settings|bus_bus|bus_presence|mail_presence|ir_attachment|ir_logging|orm_signaling_\w+)$/;

/** Whether a table stays writable in a database that takes no writes. */
export function staysWritable(table: string): boolean {
	return KEPT.test(table);
}

/** Tables that belong to Odoo's role: one line of JSON, `["res_users", …]`. */
export function tablesSql(role: string): string {
	return `select coalesce(json_agg(relname order by relname), '[]') from pg_class where ${owned(role)}`;
}

/** Rights of writing that Odoo's role lacks on its own tables: one line of JSON, `[["res_users", "UPDATE"], …]`. */
export function lackedSql(role: string): string {
	const rights = WRITING.map((privilege) => `('${privilege}')`).join(', ');
	return `select coalesce(json_agg(json_build_array(relname, right_name) order by relname), '[]') from pg_class cross join (values ${rights}) as rights (right_name) where ${owned(role)} and not has_table_privilege('${role}', pg_class.oid, right_name)`;
}

function owned(role: string): string {
	return `relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relowner = '${role}'::regrole`;
}

/** Takes writing from the role on these tables; several statements, meant for one transaction. */
export function revokeSql(role: string, tables: string[]): string {
	return statement(`REVOKE ${WRITING.join(', ')}`, tables, `FROM ${quoted(role)}`);
}

/** Gives these rights back: one statement for all tables that lack the same. */
export function grantSql(role: string, rights: Right[]): string {
	const byTable = new Map<string, string[]>();
	for (const [table, privilege] of rights)
		byTable.set(table, [...(byTable.get(table) ?? []), privilege]);
	const byRights = new Map<string, string[]>();
	for (const [table, privileges] of byTable) {
		const key = privileges.toSorted().join(', ');
		byRights.set(key, [...(byRights.get(key) ?? []), table]);
	}
	return [...byRights]
		.map(([privileges, tables]) => statement(`GRANT ${privileges}`, tables, `TO ${quoted(role)}`))
		.join('\n');
}

function statement(what: string, tables: string[], whom: string): string {
	return `${what} ON TABLE ${tables.map(quoted).join(', ')} ${whom};`;
}

function quoted(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}
