import type { CallRecorder } from '../record.ts';
import { commandFailed, readBack } from './answers.ts';
import { OdooError } from './errors.ts';
import type { OdooExec } from './odoo.server.ts';
import { allowedMs } from './patience.ts';

const SECONDS = 60;
const ROLE = /^[a-z_][a-z0-9_]{0,62}$/;

/**
 * Roles of a PostgreSQL that has the databases of several Odoos, asked by its superuser through `exec`.
 * @throws OdooError, or what `exec` throws
 */
export function databaseRoles(exec: OdooExec, record: CallRecorder) {
	const psql = [
		...['runuser', '-u', 'postgres', '--'],
		...['psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres', '-At']
	];
	const send = async (changes: boolean, sql: string): Promise<string> => {
		const options = { stdin: `${sql};\n`, timeoutMs: allowedMs(SECONDS), changes };
		const result = await exec(psql, options);
		if (result.code === 0) return result.stdout;
		throw commandFailed('role.drop', changes, result);
	};
	const owned = async (role: string): Promise<string[]> => {
		const sql = `select datname from pg_database where pg_get_userbyid(datdba) = '${role}' order by datname`;
		return (await send(false, sql)).split('\n').filter(Boolean);
	};

	return {
		/** Removes a role with every database that is its own, and looks that it is gone. @returns those databases */
		drop: (role: string): Promise<string[]> =>
			record(
				{ vendor: 'odoo', operation: 'role.drop', changes: true, key: role, request: {} },
				async () => {
					if (!ROLE.test(role) || role === 'postgres') throw new TypeError(`no role: ${role}`);
					const databases = await owned(role);
					for (const name of databases)
						await send(
							true,
							`drop database if exists "${name.replaceAll('"', '""')}" with (force)`
						);
					await send(true, `drop role if exists "${role}"`);
					const left = await readBack('role.drop', () =>
						send(false, `select count(*) from pg_roles where rolname = '${role}'`)
					);
					if (left.trim() === '0') return databases;
					throw new OdooError({
						operation: 'role.drop',
						kind: 'not_done',
						message: `The role ${role} is still there`,
						retryable: true
					});
				}
			)
	};
}
