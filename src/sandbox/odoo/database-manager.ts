import type { SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Cluster } from '../proxmox/cluster.ts';
import { packDatabase, unpackDatabase } from './archive.ts';
import { DATABASE_NAME, copyOf } from './cli-db.ts';
import { html } from './http.ts';
import { managerPage, notFoundPage, type PageContext } from './pages.ts';
import { hashPassword, newDatabase, type GuestState } from './state.ts';

/** A refusal, as the page shows it. */
export class DatabaseError extends Error {
	/** Wrong master password, or the list is closed. */
	readonly denied: boolean;

	constructor(message: string, denied = false) {
		super(message);
		this.denied = denied;
	}
}

/**
 * `/web/database/*`: forms that answer 303 when it worked. Up to 19 a failure is a page with status 200;
 * 20 answers 422, or 403 for a wrong master password.
 */
export function databaseManager(
	cluster: Cluster,
	guest: GuestState,
	request: SandboxRequest,
	context: PageContext
): SandboxResponse {
	const act = request.path.slice('/web/database/'.length);
	if (act === 'list' && request.method === 'POST') return list(guest);
	if (!guest.listDb) return html(404, notFoundPage());
	const names = Object.keys(guest.databases).sort();
	if (request.method !== 'POST') {
		return act === 'selector' || act === 'manager'
			? html(200, managerPage(names, context))
			: html(404, notFoundPage());
	}
	const form = formOf(request);
	try {
		if (act === 'backup') {
			const database = backup(guest, form);
			return {
				status: 200,
				headers: {
					'content-type': 'application/octet-stream; charset=binary',
					'content-disposition': `attachment; filename*=UTF-8''${database.name}.zip`
				},
				body: packDatabase(database, form.backup_format !== 'dump', cluster.kernel.clock.nowMs())
			};
		}
		if (!(act in ACTS)) return html(404, notFoundPage());
		checkMaster(guest, form.master_pwd ?? '');
		ACTS[act]!(cluster, guest, form);
		cluster.guests.changed();
		const home = guest.version >= 18 ? '/odoo' : '/web';
		return {
			status: 303,
			headers: { location: act === 'create' ? home : '/web/database/manager' },
			body: ''
		};
	} catch (error) {
		if (!(error instanceof DatabaseError)) throw error;
		const status = guest.version < 20 ? 200 : error.denied ? 403 : 422;
		return html(status, managerPage(names, context, `Database ${act} error: ${error.message}`));
	}
}

export function checkMaster(guest: GuestState, password: string): void {
	// Whoever comes first sets a master password that is still the default.
	if (guest.masterPassword === 'admin') guest.masterPassword = password || 'admin';
	if (password !== guest.masterPassword) throw new DatabaseError('Access Denied', true);
}

type Form = Record<string, string>;
type Act = (cluster: Cluster, guest: GuestState, form: Form) => void;

/** Also what the db service of JSON-RPC does. */
export const ACTS: Record<string, Act> = {
	create: (cluster, guest, form) => {
		const name = form.name ?? '';
		if (!DATABASE_NAME.test(name))
			throw new DatabaseError(
				"Houston, we have a database naming issue! Make sure you only use letters, numbers, underscore, hyphen, or dot in the database name, and you'll be golden."
			);
		if (guest.databases[name]) throw new DatabaseError(`Database '${name}' already exists!`);
		const database = newDatabase(name, guest.version, cluster.now(), {
			lang: form.lang,
			country: form.country_code,
			// Any text at all is true up to 19, "false" included.
			demo: guest.version >= 20 ? form.demo === 'true' || form.demo === '1' : Boolean(form.demo)
		});
		const admin = database.users.find((user) => user.id === 2)!;
		admin.login = form.login ?? 'admin';
		admin.password = hashPassword(form.password ?? 'admin');
		guest.databases[name] = database;
	},
	duplicate: (cluster, guest, form) => {
		const source = guest.databases[form.name ?? ''];
		const target = form.new_name ?? '';
		if (!source) throw new DatabaseError(`template database "${form.name}" does not exist`);
		if (!DATABASE_NAME.test(target))
			throw new DatabaseError('Houston, we have a database naming issue!');
		if (guest.databases[target]) throw new DatabaseError(`Database '${target}' already exists!`);
		guest.databases[target] = copyOf(
			source,
			target,
			cluster.now(),
			Boolean(form.neutralize_database)
		);
	},
	drop: (_cluster, guest, form) => {
		if (!guest.databases[form.name ?? ''])
			throw new DatabaseError(`database "${form.name}" does not exist`);
		delete guest.databases[form.name!];
	},
	restore: (cluster, guest, form) => {
		if (guest.databases[form.name ?? '']) throw new DatabaseError('Database already exists');
		const database = unpackDatabase(Buffer.from(form.backup_file ?? '', 'latin1'));
		if (!database) throw new DatabaseError('File is not a zip file');
		guest.databases[form.name!] = copyOf(
			database,
			form.name!,
			cluster.now(),
			Boolean(form.neutralize_database)
		);
	},
	change_password: (_cluster, guest, form) => {
		guest.masterPassword = form.master_pwd_new ?? '';
	}
};

function backup(guest: GuestState, form: Form): GuestState['databases'][string] {
	checkMaster(guest, form.master_pwd ?? '');
	const database = guest.databases[form.name ?? ''];
	if (!database) throw new DatabaseError(`database "${form.name}" does not exist`);
	return database;
}

function list(guest: GuestState): SandboxResponse {
	if (guest.listDb) {
		return {
			status: 200,
			body: { jsonrpc: '2.0', id: null, result: Object.keys(guest.databases).sort() }
		};
	}
	const data = {
		name: 'odoo.exceptions.AccessDenied',
		message: 'Access Denied',
		arguments: ['Access Denied'],
		debug: '',
		context: {}
	};
	return {
		status: 200,
		body: { jsonrpc: '2.0', id: null, error: { code: 200, message: 'Odoo Server Error', data } }
	};
}

/** Form fields; files of a multipart form as Latin-1 text, byte for byte. */
function formOf(request: SandboxRequest): Form {
	const boundary = /boundary="?([^";]+)"?/.exec(request.headers['content-type'] ?? '')?.[1];
	if (!boundary) return Object.fromEntries(new URLSearchParams(request.body.toString('utf8')));
	const form: Form = {};
	for (const part of request.body.toString('latin1').split(`--${boundary}`).slice(1, -1)) {
		const at = part.indexOf('\r\n\r\n');
		const name = /name="([^"]*)"/.exec(part.slice(0, at))?.[1];
		if (name) form[name] = part.slice(at + 4, -2);
	}
	return form;
}
