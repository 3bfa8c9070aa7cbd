import type { CallRecorder } from '../record.ts';
import { commandFailed, malformed, readBack, readParameters, resultOf } from './answers.ts';
import { checked } from './database-name.ts';
import { allowedMs, patiently } from './patience.ts';
import { OdooError } from './errors.ts';
import { premisesOf } from './premises.server.ts';
import { rightsOf, usageOf, type PostgresTools } from './postgres.server.ts';
import { transferOf } from './transfer.server.ts';
import { serverOf } from './webserver.server.ts';
import { configureScript, redacted, type DatabaseSettings } from './script.ts';

export type { DatabaseSettings } from './script.ts';

/** Runs a command inside the container, as `SshClient.inside(vmid)` does. @throws VendorError when it cannot be run */
export type OdooExec = (
	argv: string[],
	options?: { stdin?: string; timeoutMs?: number; changes?: boolean }
) => Promise<{ code: number; stdout: string; stderr: string }>;

/** A PostgreSQL that is not beside Odoo. */
export interface DatabaseServer {
	/** As the system with Odoo reaches it; its role's password is in `.pgpass` there. */
	host: string;
	/** Odoo's role on it, which owns Odoo's databases and sees no others. */
	role: string;
	/** Runs a command where PostgreSQL is, for what its superuser alone may. */
	exec: OdooExec;
}

export interface OdooConfig {
	/** Major version, 17 to 20. */
	version: number;
	/** `/etc/odoo/odoo.conf` by default. */
	configFile?: string;
	/** The system user that Odoo and its PostgreSQL role run as; `odoo` by default. */
	user?: string;
	/** `odoo-bin` by default. */
	program?: string;
	/** Where the databases are; beside Odoo by default. */
	postgres?: DatabaseServer;
	/** How long a question is asked again while the services inside are not up; 10 seconds by default. */
	patienceMs?: number;
}

/** System parameter that says which run made a database. */
export const MARK = 'erpcore.run';

const TIMEOUTS = {
	query: 20,
	shell: 180,
	drop: 120,
	duplicate: 600,
	init: 1800,
	dump: 3600
} as const;
/**
 * Odoo inside one container, through its command line: no master password travels. Tenant data goes on stdin; arguments
 * hold database names and our own constants alone. Success is what is read back, never what a command reports.
 * @throws OdooError, or what `exec` throws
 */
export function odoo(config: OdooConfig, exec: OdooExec, record: CallRecorder) {
	const user = config.user ?? 'odoo';
	const program = config.program ?? 'odoo-bin';
	const configFile = config.configFile ?? '/etc/odoo/odoo.conf';
	const asOdoo = (...argv: string[]) => ['runuser', '-u', user, '--', ...argv];
	const db = (...words: string[]) => asOdoo(program, 'db', '-c', configFile, ...words);

	const call: PostgresTools['call'] = (operation, changes, key, request, send) =>
		record({ vendor: 'odoo', operation, changes, key, request }, send);

	const { postgres } = config;
	const role = postgres?.role ?? user;
	const beside = postgres?.exec ?? exec;

	const send = async (
		operation: string,
		changes: boolean,
		argv: string[],
		seconds: number,
		stdin?: string,
		where = exec
	): Promise<string> => {
		const result = await where(argv, { stdin, timeoutMs: allowedMs(seconds), changes });
		if (result.code === 0) return result.stdout;
		throw commandFailed(operation, changes, result);
	};
	/** A change that must end with 0. */
	const run = (operation: string, argv: string[], seconds: number, stdin?: string, where = exec) =>
		send(operation, true, argv, seconds, stdin, where);
	/** A question: asked again while that may help, as long as a container takes to boot. */
	const ask = (operation: string, argv: string[], seconds: number, stdin?: string, where = exec) =>
		patiently(config.patienceMs, () => send(operation, false, argv, seconds, stdin, where));

	const at = postgres ? ['-h', postgres.host, '-U', role] : [];
	const query = (operation: string, database: string, sql: string) =>
		ask(operation, asOdoo('psql', '-X', ...at, '-d', database, '-At', '-c', sql), TIMEOUTS.query);

	const tools: PostgresTools = {
		role,
		user,
		configFile,
		call,
		query,
		exec,
		run,
		read: (operation, argv, seconds = TIMEOUTS.query, stdin?) =>
			ask(operation, argv, seconds, stdin),
		// As PostgreSQL's own superuser: it acts as the owner of each table, whoever that is.
		change: async (operation, database, sql) => {
			const psql = ['psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '-d', database, '-At'];
			const argv = ['runuser', '-u', 'postgres', '--', ...psql];
			await run(operation, argv, TIMEOUTS.shell, sql, beside);
		},
		beside: {
			exec: beside,
			owner: postgres?.role ?? null,
			run: async (...call) => run(call[0], call[1], call[2], call[3], beside),
			read: async (...call) => ask(call[0], call[1], call[2] ?? TIMEOUTS.query, call[3], beside)
		}
	};

	const names = async (): Promise<string[]> => {
		const text = await query(
			'db.list',
			'postgres',
			`select datname from pg_database where not datistemplate${postgres ? ` and pg_get_userbyid(datdba) = '${role}'` : ''} order by datname`
		);
		return text.split('\n').filter((name) => name !== '' && name !== 'postgres');
	};

	/** `ready`: its base module is installed · `incomplete`: it exists, an initialisation broke off · `absent` */
	const stateOf = async (database: string): Promise<'absent' | 'incomplete' | 'ready'> => {
		if (!(await names()).includes(database)) return 'absent';
		try {
			const state = await query(
				'db.state',
				database,
				"select state from ir_module_module where name = 'base'"
			);
			return state.trim() === 'installed' ? 'ready' : 'incomplete';
		} catch (error) {
			if (error instanceof OdooError && error.kind === 'incomplete') return 'incomplete';
			throw error;
		}
	};

	const expectReady = async (operation: string, database: string): Promise<void> => {
		const state = await readBack(operation, () => stateOf(database));
		// On a server of several, every role is let into what is new unless somebody says otherwise.
		const closed = `revoke connect on database "${database}" from public`;
		if (state === 'ready') return postgres && tools.change('db.close', 'postgres', closed);
		const absent = state === 'absent';
		throw new OdooError({
			operation,
			kind: absent ? 'not_done' : 'incomplete',
			message: absent
				? `Odoo reported success, but there is no database ${database}`
				: `The database ${database} was left incomplete`,
			// With nothing there, doing it again does no harm.
			retryable: absent
		});
	};

	const configure = (database: string, settings: DatabaseSettings) =>
		call('db.configure', true, database, redacted(settings), async () => {
			const argv = asOdoo(program, 'shell', '-c', configFile, '-d', checked(database), '--no-http');
			const text = await run('db.configure', argv, TIMEOUTS.shell, configureScript(settings));
			return resultOf('db.configure', text);
		});

	const getParameters = (database: string, keys: string[]) =>
		call('db.parameters', false, database, { keys }, async () => {
			for (const key of keys) {
				if (!/^[\w.-]+$/.test(key)) throw new TypeError(`no parameter key: ${key}`);
			}
			const list = keys.map((key) => `'${key}'`).join(', ');
			const sql = `select json_object_agg(key, value) from ir_config_parameter where key in (${list})`;
			const text = (await query('db.parameters', checked(database), sql)).trim();
			return readParameters(text);
		});

	return {
		...rightsOf(tools),
		...usageOf(tools),
		...serverOf(tools),
		...transferOf(tools),
		...premisesOf(tools),
		/** Major version of the program that is installed. */
		version: () =>
			call('version', false, '', {}, async () => {
				const text = await ask('version', asOdoo(program, '--version'), TIMEOUTS.query);
				const major = Number(/(\d+)(?:\.\d+)?/.exec(text)?.[1]);
				if (!major) throw malformed('version', text);
				return major;
			}),
		listDatabases: () => call('db.list', false, '', {}, names),
		databaseExists: (database: string) =>
			call('db.exists', false, database, {}, async () =>
				(await names()).includes(checked(database))
			),
		databaseState: (database: string) =>
			call('db.state', false, database, {}, () => stateOf(checked(database))),
		/** Copies a template database, in seconds. @throws OdooError `exists`, `no_template`, `not_done` */
		duplicateTemplate: (template: string, database: string) =>
			call('db.duplicate', true, database, { template }, async () => {
				await run(
					'db.duplicate',
					db('duplicate', checked(template), checked(database)),
					TIMEOUTS.duplicate
				);
				await expectReady('db.duplicate', database);
			}),
		/** A database from nothing, in minutes. @param lang `es_MX` @param country ISO 3166 alpha-2 */
		initDatabase: (database: string, lang: string, country: string) =>
			call('db.init', true, database, { lang, country }, async () => {
				if ((await names()).includes(checked(database))) {
					throw new OdooError({
						operation: 'db.init',
						kind: 'exists',
						message: `The database ${database} exists`
					});
				}
				// The command that takes the country came with 19; before, `configure` sets it.
				const argv =
					config.version >= 19
						? db('init', database, '--language', lang, '--country', country)
						: asOdoo(
								program,
								'-c',
								configFile,
								'-d',
								database,
								'-i',
								'base',
								'--without-demo=all',
								`--load-language=${lang}`,
								'--stop-after-init',
								'--no-http'
							);
				await run('db.init', argv, TIMEOUTS.init);
				await expectReady('db.init', database);
			}),
		/** Administrator, language, company and parameters in one transaction; answers what then stands in the database. */
		configure,
		setAdmin: (database: string, admin: NonNullable<DatabaseSettings['admin']>) =>
			configure(database, { admin }),
		setParameters: (database: string, parameters: Record<string, string | null>) =>
			configure(database, { parameters }),
		/** The given system parameters that exist. */
		getParameters,
		/** The run that made this database; null when it bears no mark. */
		readMark: async (database: string) => (await getParameters(database, [MARK]))[MARK] ?? null,
		writeMark: (database: string, runId: string) =>
			configure(database, { parameters: { [MARK]: runId } }),
		/** Answers false when there was none. */
		dropDatabase: (database: string) =>
			call('db.drop', true, database, {}, async () => {
				if (!(await names()).includes(checked(database))) return false;
				await run('db.drop', db('drop', database), TIMEOUTS.drop);
				if ((await readBack('db.drop', names)).includes(database)) {
					throw new OdooError({
						operation: 'db.drop',
						kind: 'not_done',
						message: `The database ${database} is still there`,
						retryable: true
					});
				}
				return true;
			}),
		/** Writes database and filestore to a zip inside the container. @param path absolute */
		dump: (database: string, path: string) =>
			call('db.dump', true, database, { path }, async () => {
				await run('db.dump', db('dump', checked(database), path), TIMEOUTS.dump);
				const sha256 =
					(await ask('db.dump', ['sha256sum', path], TIMEOUTS.dump)).split(' ')[0] ?? '';
				const sizeBytes = Number(
					(await ask('db.dump', ['stat', '-c', '%s', path], TIMEOUTS.query)).trim()
				);
				if (!/^[0-9a-f]{64}$/.test(sha256) || !(sizeBytes > 0))
					throw malformed('db.dump', `${sha256} ${sizeBytes}`);
				return { sizeBytes, sha256 };
			}),
		/** Restores a dump under a free name. */
		load: (database: string, path: string) =>
			call('db.load', true, database, { path }, async () => {
				await run('db.load', db('load', checked(database), path), TIMEOUTS.dump);
				await expectReady('db.load', database);
			}),
		removeFile: (path: string) =>
			call('file.remove', true, '', { path }, async () => {
				await run('file.remove', ['rm', '-f', path], TIMEOUTS.query);
			})
	};
}

export type OdooClient = ReturnType<typeof odoo>;
