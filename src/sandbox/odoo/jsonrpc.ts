import type { SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Cluster } from '../proxmox/cluster.ts';
import { packDatabase, unpackDatabase } from './archive.ts';
import { copyOf } from './cli-db.ts';
import { ACTS, DatabaseError, checkMaster } from './database-manager.ts';
import { authenticate, versionInfo } from './http.ts';
import { Recordset } from './orm.ts';
import { tablesOf } from './tables.ts';
import { PythonError, fromJson, isObject, type Value } from './python-values.ts';
import type { DatabaseState, GuestState } from './state.ts';
import { isHeld, isShut } from './pg-tools.ts';

/** Something that Odoo reports as `{error: {code: 200, …}}` under HTTP 200. */
class RpcError extends Error {
	readonly type: string;

	constructor(type: string, message: string) {
		super(message);
		this.type = type;
	}
}

/** POST /jsonrpc: the services `common`, `db` (up to 19) and `object`. */
export function jsonRpc(
	cluster: Cluster,
	guest: GuestState,
	request: SandboxRequest
): SandboxResponse {
	let id: unknown = null;
	try {
		const body = JSON.parse(request.body.toString('utf8')) as {
			id?: unknown;
			params?: { service?: string; method?: string; args?: unknown[] };
		};
		id = body.id ?? null;
		const { service = '', method = '', args = [] } = body.params ?? {};
		const result = call(cluster, guest, service, method, args);
		return { status: 200, body: { jsonrpc: '2.0', id, result } };
	} catch (error) {
		if (error instanceof SyntaxError) return { status: 400, body: 'Invalid JSON data' };
		const known = error instanceof RpcError || error instanceof PythonError;
		const type =
			error instanceof DatabaseError
				? error.denied
					? 'odoo.exceptions.AccessDenied'
					: 'builtins.Exception'
				: known
					? error.type
					: null;
		if (type === null) throw error;
		const message = (error as Error).message;
		const data = {
			name: type,
			message,
			arguments: [message],
			debug: `Traceback (most recent call last):\n${type}: ${message}\n`,
			context: {}
		};
		return {
			status: 200,
			body: { jsonrpc: '2.0', id, error: { code: 200, message: 'Odoo Server Error', data } }
		};
	}
}

function call(
	cluster: Cluster,
	guest: GuestState,
	service: string,
	method: string,
	args: unknown[]
): unknown {
	if (service === 'common') return common(guest, method, args);
	if (service === 'db' && guest.version < 20)
		return db(
			cluster,
			guest,
			method,
			args.map((one) => (typeof one === 'boolean' ? (one ? '1' : '') : String(one ?? '')))
		);
	if (service === 'object') return object(cluster, guest, method, args);
	throw new RpcError('builtins.KeyError', service);
}

function common(guest: GuestState, method: string, args: unknown[]): unknown {
	if (method === 'version') {
		return {
			server_version: `${guest.version}.0`,
			server_version_info: versionInfo(guest),
			server_serie: `${guest.version}.0`,
			protocol_version: 1
		};
	}
	if (method === 'authenticate' || method === 'login') {
		const [name, login, password] = args.map(String);
		return authenticate(databaseOf(guest, name), login ?? '', password ?? '');
	}
	throw new RpcError('builtins.Exception', `Method not found: ${method}`);
}

function databaseOf(guest: GuestState, name: string | undefined): DatabaseState {
	const database = guest.databases[name ?? ''];
	if (!database?.complete || isHeld(database) || isShut(database)) {
		throw new RpcError(
			'psycopg2.OperationalError',
			`connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  database "${name}" does not exist\n`
		);
	}
	return database;
}

function db(cluster: Cluster, guest: GuestState, method: string, args: string[]): unknown {
	const [first = '', second = '', third = '', fourth = ''] = args;
	if (method === 'server_version') return `${guest.version}.0`;
	if (method === 'db_exist') return Boolean(guest.databases[first]);
	if (method === 'list_lang')
		return [
			['en_US', 'English (US)'],
			['es_419', 'Spanish (Latin America) / Español (América Latina)'],
			['es_MX', 'Spanish (MX) / Español (MX)']
		];
	if (!guest.listDb) throw new DatabaseError('Access Denied', true);
	if (method === 'list') return Object.keys(guest.databases).sort();
	checkMaster(guest, first);
	const changed = <T>(result: T): T => {
		cluster.guests.changed();
		return result;
	};
	switch (method) {
		case 'create_database':
			ACTS.create!(cluster, guest, {
				name: second,
				demo: third,
				lang: fourth,
				password: args[4] ?? 'admin',
				login: args[5] ?? 'admin',
				country_code: args[6] ?? ''
			});
			return changed(true);
		case 'duplicate_database':
			ACTS.duplicate!(cluster, guest, {
				name: second,
				new_name: third,
				neutralize_database: fourth
			});
			return changed(true);
		case 'drop':
			if (!guest.databases[second]) return false;
			delete guest.databases[second];
			return changed(true);
		case 'dump':
			return packDatabase(
				databaseOf(guest, second),
				third === 'zip',
				cluster.kernel.clock.nowMs()
			).toString('base64');
		case 'restore': {
			const database = unpackDatabase(Buffer.from(third, 'base64'));
			if (guest.databases[second] || !database) throw new DatabaseError('Database already exists');
			guest.databases[second] = copyOf(database, second, cluster.now(), false);
			return changed(true);
		}
		case 'rename': {
			const database = databaseOf(guest, second);
			delete guest.databases[second];
			guest.databases[third] = { ...database, name: third };
			return changed(true);
		}
		case 'change_admin_password':
			guest.masterPassword = second;
			return changed(true);
		default:
			throw new RpcError('builtins.KeyError', method);
	}
}

/** `execute_kw(db, uid, password, model, method, args, kwargs)`: searching, reading and writing. */
function object(cluster: Cluster, guest: GuestState, name: string, args: unknown[]): unknown {
	if (name !== 'execute_kw' && name !== 'execute')
		throw new RpcError('builtins.NameError', `Method not available ${name}`);
	const [db, uid, password, model, method] = args;
	const database = databaseOf(guest, String(db));
	const user = database.users.find((one) => one.id === uid);
	if (!user || authenticate(database, user.login, String(password)) !== uid)
		throw new RpcError('odoo.exceptions.AccessDenied', 'Access Denied');
	const table = tablesOf(database)[String(model)];
	if (!table) throw new RpcError('builtins.KeyError', String(model));
	const positional = (name === 'execute' ? args.slice(5) : ((args[5] ?? []) as unknown[])).map(
		fromJson
	);
	const named = new Map(
		Object.entries((args[6] ?? {}) as Record<string, unknown>).map(([key, value]) => [
			key,
			fromJson(value)
		])
	);
	const result = run(new Recordset(table, []), String(method), positional, named);
	cluster.guests.changed();
	return result;
}

function run(empty: Recordset, method: string, args: Value[], named: Map<string, Value>): unknown {
	const invoke = (on: Recordset, verb: string, ...rest: Value[]): Value => {
		const found = on.get(verb);
		if (typeof found !== 'function')
			throw new RpcError('builtins.AttributeError', `The method '${verb}' does not exist`);
		return found(rest, named);
	};
	const ids = (value: Value): unknown =>
		isObject(value) && value instanceof Recordset ? value.rows.map((row) => row.id) : value;
	const read = (records: Value, fields: Value): unknown[] => {
		if (!(records instanceof Recordset)) return [];
		const wanted = Array.isArray(fields)
			? fields.map(String)
			: ['name', 'login', 'key', 'value', 'state', 'code'];
		return records.rows.map((row) => ({
			id: row.id,
			...Object.fromEntries(
				wanted.flatMap((field) =>
					row.read(field) === undefined ? [] : [[field, ids(row.read(field)!)]]
				)
			)
		}));
	};
	switch (method) {
		case 'search':
		case 'search_count':
			return ids(invoke(empty, method, args[0] ?? []));
		case 'search_read':
			return read(invoke(empty, 'search', args[0] ?? []), named.get('fields') ?? args[1] ?? null);
		case 'read':
			return read(invoke(empty, 'browse', args[0] ?? []), named.get('fields') ?? args[1] ?? null);
		case 'write':
		case 'unlink': {
			const records = invoke(empty, 'browse', args[0] ?? []);
			return records instanceof Recordset ? ids(invoke(records, method, ...args.slice(1))) : false;
		}
		case 'create': {
			const created = invoke(empty, 'create', args[0] ?? null);
			return created instanceof Recordset ? created.rows[0]!.id : false;
		}
		default:
			return ids(invoke(empty, method, ...args));
	}
}
