import { z } from 'zod';

/** What a database holds: enough to tell a whole copy from one that is not. */
export interface Inventory {
	/** Rows by table. */
	tables: Record<string, number>;
	/** Installed modules with their versions. */
	modules: Record<string, string>;
	files: number;
	fileBytes: number;
}

/**
 * Rows of every ordinary table, counted and not estimated, as one line of JSON. Superusers alone read them all; `query_to_xml`
 * is how PostgreSQL counts many tables in one statement without a function of ours in the customer's database.
 */
export const inventorySql = `select coalesce(json_object_agg(relname, (xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %I.%I', nspname, relname), false, true, '')))[1]::text::bigint), '{}') from pg_class join pg_namespace on pg_namespace.oid = relnamespace where relkind = 'r' and nspname = 'public'`;

export const modulesSql = `select coalesce(json_object_agg(name, coalesce(latest_version, '')), '{}') from ir_module_module where state = 'installed'`;

const tables = z.record(z.string(), z.number().int().nonnegative());
const modules = z.record(z.string(), z.string());

/** @returns null when that is no answer of PostgreSQL */
export function readInventory(
	counted: unknown,
	installed: unknown
): Pick<Inventory, 'tables' | 'modules'> | null {
	const [rows, names] = [tables.safeParse(counted), modules.safeParse(installed)];
	return rows.success && names.success ? { tables: rows.data, modules: names.data } : null;
}

/** How many differences are named. */
const MOST = 5;

/** What a copy lacks or has besides, in words for staff and the log; empty when it holds the same. */
export function differences(original: Inventory, copy: Inventory): string[] {
	const found = [
		...differing(original.tables, copy.tables).map(
			([name, was, is]) => `table ${name}: ${was ?? 'absent'} rows, copy ${is ?? 'absent'}`
		),
		...differing(original.modules, copy.modules).map(
			([name, was, is]) => `module ${name}: ${was ?? 'absent'}, copy ${is ?? 'absent'}`
		)
	];
	if (original.files !== copy.files || original.fileBytes !== copy.fileBytes)
		found.push(
			`files: ${original.files} of ${original.fileBytes} bytes, copy ${copy.files} of ${copy.fileBytes}`
		);
	return found.length > MOST ? [...found.slice(0, MOST), `and ${found.length - MOST} more`] : found;
}

function differing<T>(
	was: Record<string, T>,
	is: Record<string, T>
): [string, T | undefined, T | undefined][] {
	const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
	return names
		.flatMap((name) => (was[name] === is[name] ? [] : [[name, was[name], is[name]] as const]))
		.map(([a, b, c]) => [a, b, c]);
}
