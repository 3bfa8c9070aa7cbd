import type { DatabaseState } from './state.ts';

const PRIVILEGES = ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] as const;

const ALWAYS = [
	'ir_attachment',
	'ir_config_parameter',
	'ir_cron',
	'ir_logging',
	'ir_module_module',
	'res_company',
	'res_country',
	'res_lang',
	'res_partner',
	'res_users',
	'res_users_log',
	'res_users_settings'
];
const OF_MODULE: Record<string, string[]> = {
	mail: ['bus_bus', 'mail_message'],
	sale_management: ['sale_order', 'sale_order_line'],
	account: ['account_move', 'account_move_line'],
	stock: ['stock_move', 'stock_picking']
};

/** Tables of a database, as far as anybody here asks for them; versions differ where the real ones do. */
export function tableNames(database: DatabaseState): string[] {
	const { modules, version } = database;
	const own = Object.entries(OF_MODULE).flatMap(([name, tables]) => (modules[name] ? tables : []));
	if (modules.mail) own.push(version >= 19 ? 'mail_presence' : 'bus_presence');
	if (version >= 18) own.push('res_device_log');
	if (version >= 19) own.push('orm_signaling_registry', 'orm_signaling_default');
	return [...ALWAYS, ...own].sort();
}

/** Whether Odoo's role may do it with a table. */
export function mayDo(database: DatabaseState, table: string, privilege: string): boolean {
	return !database.revoked?.[table]?.includes(privilege);
}

/** What PostgreSQL says when Odoo's role may not. */
export function denied(table: string): string {
	return `permission denied for table ${table}`;
}

/** `select … from pg_class …` as the product asks it: the tables, or the rights that Odoo's role lacks. */
export function privilegeRows(sql: string, database: DatabaseState): string[] | null {
	if (!/from\s+pg_class/i.test(sql)) return null;
	const tables = tableNames(database);
	if (!/has_table_privilege/i.test(sql)) return [JSON.stringify(tables)];
	const lacked = tables.flatMap((table) =>
		PRIVILEGES.filter((privilege) => !mayDo(database, table, privilege)).map((privilege) => [
			table,
			privilege
		])
	);
	return [JSON.stringify(lacked)];
}

const CHANGE =
	/^(grant|revoke)\s+([a-z, ]+?)\s+on\s+table\s+(.+?)\s+(?:to|from)\s+"?([a-z_]\w*)"?$/is;

/**
 * Runs `GRANT … ON TABLE … TO …` and `REVOKE … FROM …`, all of them or none.
 * @returns PostgreSQL's error; null when it did them; undefined when it is something else
 */
export function changePrivileges(sql: string, database: DatabaseState): string | null | undefined {
	const statements = sql
		.split(';')
		.map((one) => one.trim())
		.filter(Boolean);
	const changes = statements.map((one) => CHANGE.exec(one));
	if (changes.length === 0 || changes.some((one) => one === null)) return undefined;
	const known = new Set(tableNames(database));
	const revoked = structuredClone(database.revoked ?? {});
	for (const change of changes) {
		const [, verb = '', list = '', names = ''] = change!;
		const privileges = list.split(',').map((one) => one.trim().toUpperCase());
		for (const name of names.split(',').map((one) => one.trim().replaceAll('"', ''))) {
			if (!known.has(name)) return `ERROR:  relation "${name}" does not exist`;
			const rest = (revoked[name] ?? []).filter((one) => !privileges.includes(one));
			revoked[name] = verb.toLowerCase() === 'revoke' ? [...rest, ...privileges] : rest;
			if (revoked[name].length === 0) delete revoked[name];
		}
	}
	database.revoked = revoked;
	return null;
}
