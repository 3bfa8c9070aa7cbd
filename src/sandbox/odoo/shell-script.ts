import { Recordset } from './orm.ts';
import { tablesOf } from './tables.ts';
import { parsePython } from './python-parser.ts';
import { execute } from './python-run.ts';
import {
	PythonError,
	fromJson,
	iterate,
	show,
	toJson,
	truthy,
	type PythonObject,
	type Value
} from './python-values.ts';
import { PythonSyntaxError } from './python-tokens.ts';
import type { DatabaseState } from './state.ts';

/** External ids that every database has. */
const XML_IDS: Record<string, [string, number]> = {
	'base.user_root': ['res.users', 1],
	'base.user_admin': ['res.users', 2],
	'base.main_company': ['res.company', 1]
};

/**
 * Runs what arrives on the stdin of `odoo-bin shell`: `env`, `self`, `json` and `base64` are there.
 * What is not committed is lost, as at the end of a real script; an exception ends it with 1 and a traceback.
 * @returns `database` as last committed; null when nothing was
 */
export function runShellScript(
	stored: DatabaseState,
	source: string
): { code: number; stdout: string; stderr: string; database: DatabaseState | null } {
	let working = structuredClone(stored);
	let committed: DatabaseState | null = null;
	let stdout = '';
	const model = (name: string): Recordset => {
		const table = tablesOf(working)[name];
		if (!table) throw new PythonError('KeyError', `'${name}'`);
		return new Recordset(table, []);
	};
	const record = (name: string, id: number): Recordset => {
		const { table } = model(name);
		return new Recordset(
			table,
			table.rows().filter((row) => row.id === id)
		);
	};
	const cursor: PythonObject = {
		python: 'Cursor',
		get: (name) => {
			if (name === 'dbname') return working.name;
			if (name === 'commit') {
				return () => {
					committed = structuredClone(working);
					return null;
				};
			}
			if (name === 'rollback') {
				return () => {
					working = structuredClone(committed ?? stored);
					return null;
				};
			}
			return undefined;
		}
	};
	const env: PythonObject = {
		python: 'Environment',
		item: (key) => model(String(key)),
		get: (name) => {
			if (name === 'cr') return cursor;
			if (name === 'user') return record('res.users', 1);
			if (name === 'company') return record('res.company', 1);
			if (name === 'uid') return 1;
			if (name === 'ref') {
				return ([id], named) => {
					const country = /^base\.([a-z]{2})$/.exec(String(id))?.[1];
					if (country) {
						const { table } = model('res.country');
						const rows = table.rows().filter((row) => row.read('code') === country.toUpperCase());
						if (rows.length > 0) return new Recordset(table, rows);
					}
					const target = XML_IDS[String(id)];
					if (target) return record(...target);
					if (named.get('raise_if_not_found') === false) return null;
					throw new PythonError('ValueError', `External ID not found in the system: ${String(id)}`);
				};
			}
			return undefined;
		}
	};
	const scope = new Map<string, Value>([
		['env', env],
		['self', record('res.users', 1)],
		[
			'print',
			(args) => {
				stdout += `${args.map(show).join(' ')}\n`;
				return null;
			}
		],
		['len', ([value]) => iterate(value ?? null).length],
		['str', ([value]) => show(value ?? '')],
		['bool', ([value]) => truthy(value ?? null)],
		['sorted', ([value]) => [...iterate(value ?? [])].sort()]
	]);
	try {
		execute(parsePython(source), scope, modules());
		return { code: 0, stdout, stderr: '', database: committed };
	} catch (error) {
		if (error instanceof PythonSyntaxError) {
			return {
				code: 1,
				stdout,
				stderr: `Traceback (most recent call last):\nSyntaxError: ${error.message}\n`,
				database: committed
			};
		}
		if (!(error instanceof PythonError)) throw error;
		const trace = `Traceback (most recent call last):\n  File "<string>", line ${error.line}, in <module>\n${error.type}: ${error.message}\n`;
		return { code: 1, stdout, stderr: trace, database: committed };
	}
}

function modules(): Map<string, Value> {
	const module = (python: string, members: Record<string, Value>): PythonObject => ({
		python,
		get: (name) => (Object.hasOwn(members, name) ? members[name] : undefined)
	});
	return new Map<string, Value>([
		[
			'json',
			module("<module 'json'>", {
				loads: ([text]) => {
					try {
						return fromJson(JSON.parse(String(text)));
					} catch {
						throw new PythonError(
							'json.decoder.JSONDecodeError',
							'Expecting value: line 1 column 1 (char 0)'
						);
					}
				},
				dumps: ([value]) => JSON.stringify(toJson(value ?? null))
			})
		],
		[
			'base64',
			module("<module 'base64'>", {
				b64decode: ([text]) => Buffer.from(String(text), 'base64').toString('utf8'),
				b64encode: ([text]) => Buffer.from(String(text)).toString('base64')
			})
		]
	]);
}
