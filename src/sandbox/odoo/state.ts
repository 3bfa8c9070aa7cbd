import { pbkdf2Sync, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { ADDONS_PATH } from './addons.ts';

/** What is inside one container: an Odoo server with its databases, and a few files. */
export interface GuestState {
	/** Major version: 17 to 20. */
	version: number;
	/** The Odoo service runs. */
	active: boolean;
	masterPassword: string;
	listDb: boolean;
	/** As in odoo.conf: `%d` first label, `%h` whole host. Empty: no filter. */
	dbfilter: string;
	databases: Record<string, DatabaseState>;
	/** Absolute path → content, base64. */
	files: Record<string, string>;
	/** Modules that its owner put beside those of Odoo. */
	addons?: string[];
	/** Odoo's role in PostgreSQL is a superuser: somebody made it by `createuser -s`. */
	superuser?: true;
	/** Address of the container that has the databases, as odoo.conf says; undefined: they are here. */
	databaseHost?: string;
	/** The role there, as odoo.conf says; `odoo` by default. Its password is in `.pgpass`. */
	databaseRole?: string;
	/** A system without Odoo, or without PostgreSQL; undefined: it has both. */
	kind?: 'postgres' | 'odoo_only';
	/** Of a PostgreSQL that listens to a network: its roles with their passwords, and who may connect (CIDR). */
	server?: { roles: Record<string, string | null>; networks: string[] };
	/** Steps of setup_odoo_lxc that are done, while it is being set up; undefined: all. */
	installed?: string[];
}

export interface DatabaseState {
	name: string;
	/** The role that owns it; `odoo` by default. */
	owner?: string;
	/** CONNECT was taken from PUBLIC. */
	closed?: true;
	/** False: an interrupted initialisation left it without its tables. */
	complete: boolean;
	version: number;
	demo: boolean;
	lang: string;
	langs: string[];
	company: { name: string; email: string; phone: string; country: string };
	users: UserState[];
	parameters: Record<string, string>;
	modules: Record<string, string>;
	/** Name of the folder that its files lie in, where that is not its own. */
	filesUnder?: string;
	/** PostgreSQL's `datallowconn` and `datconnlimit` where they are not as usual: nobody gets in, or superusers alone. */
	allowConnections?: false;
	connectionLimit?: 0;
	/** Rights that were taken from Odoo's role, by table. */
	revoked?: Record<string, string[]>;
	/** Attachment path → bytes, base64. */
	filestore: Record<string, string>;
	createdAt: number;
}

export interface UserState {
	id: number;
	login: string;
	name: string;
	email: string;
	lang: string;
	active: boolean;
	/** A customer's or supplier's login to Odoo's portal: no internal user. */
	share?: boolean;
	/** `salt:hash`, hexadecimal. */
	password: string;
}

/** Half the rounds of the real one would only slow the tests down: nothing here is secret. */
const ROUNDS = 1000;

export function hashPassword(password: string): string {
	const salt = randomBytes(16);
	return `${salt.toString('hex')}:${pbkdf2Sync(password, salt, ROUNDS, 32, 'sha512').toString('hex')}`;
}

export function passwordMatches(stored: string, password: string): boolean {
	const [salt = '', hash = ''] = stored.split(':');
	const expected = Buffer.from(hash, 'hex');
	if (expected.length === 0) return false;
	const given = pbkdf2Sync(password, Buffer.from(salt, 'hex'), ROUNDS, expected.length, 'sha512');
	return timingSafeEqual(given, expected);
}

/** A database as `base` alone leaves it: admin / admin until somebody changes it. */
export function newDatabase(
	name: string,
	version: number,
	now: number,
	options: { lang?: string; country?: string; demo?: boolean } = {}
): DatabaseState {
	const lang = options.lang ?? 'en_US';
	return {
		name,
		complete: true,
		version,
		demo: options.demo ?? false,
		lang,
		langs: [...new Set(['en_US', lang])],
		company: {
			name: 'My Company',
			email: '',
			phone: '',
			country: (options.country ?? '').toUpperCase()
		},
		users: [
			{ id: 1, login: '__system__', name: 'OdooBot', email: '', lang, active: false, password: '' },
			{
				id: 2,
				login: 'admin',
				name: 'Mitchell Admin',
				email: 'admin@example.com',
				lang,
				active: true,
				password: hashPassword('admin')
			}
		],
		parameters: {
			'database.uuid': randomUUID(),
			'database.secret': randomUUID(),
			'database.create_date': new Date(now * 1000).toISOString().slice(0, 19).replace('T', ' '),
			'web.base.url': 'http://localhost:8069'
		},
		modules: { base: 'installed', web: 'installed' },
		filestore: {},
		createdAt: now
	};
}

/** The guest of the Odoo template: two ready databases, one per language. */
export function templateGuest(version: number, now: number): GuestState {
	const databases: Record<string, DatabaseState> = {};
	for (const [suffix, lang] of [
		['es', 'es_419'],
		['en', 'en_US']
	] as const) {
		const name = `tpl_${version}_${suffix}`;
		const database = newDatabase(name, version, now, { lang });
		for (const module of ['mail', 'contacts', 'sale_management', 'account', 'stock']) {
			database.modules[module] = 'installed';
		}
		database.filestore['0a/0a4d55a8d778e5022fab701977c5d840bbc486d0'] = Buffer.from(
			`logo of ${name}`
		).toString('base64');
		databases[name] = database;
	}
	return {
		version,
		active: true,
		masterPassword: `sandbox-master-${version}`,
		listDb: false,
		dbfilter: '^%d$',
		databases,
		files: { '/etc/odoo/odoo.conf': '' }
	};
}

/** odoo.conf as the guest's state writes it. */
export function configText(guest: GuestState): string {
	return [
		'[options]',
		`addons_path = ${ADDONS_PATH}`,
		`admin_passwd = ${guest.masterPassword}`,
		`dbfilter = ${guest.dbfilter}`,
		`list_db = ${guest.listDb ? 'True' : 'False'}`,
		'proxy_mode = True',
		'workers = 2',
		'gevent_port = 8072',
		'data_dir = /var/lib/odoo',
		''
	].join('\n');
}
