import { z } from 'zod';
import { commandFailed, malformed, parseJson } from './answers.ts';
import { checked } from './database-name.ts';
import { modulesSql } from './inventory.ts';
import type { PostgresTools } from './postgres.server.ts';

const SECONDS = 60;
const modules = z.record(z.string(), z.string());

/** What must be so on both sides before a database can be taken from one Odoo to another. */
export function premisesOf({ call, query, read, exec, configFile, role }: PostgresTools) {
	return {
		/**
		 * Whether Odoo's role is one of PostgreSQL's superusers: those count against no connection limit, so that nothing keeps
		 * Odoo out of a held database.
		 */
		isSuperuser: () =>
			call('db.role', false, '', {}, async () => {
				const sql = `select rolsuper from pg_roles where rolname = '${role}'`;
				const text = (await query('db.role', 'postgres', sql)).trim();
				if (text !== 't' && text !== 'f') throw malformed('db.role', text);
				return text === 't';
			}),
		/** Names of the installed modules of a database. */
		installedModules: (database: string) =>
			call('db.modules', false, database, {}, async () => {
				const text = await query('db.modules', checked(database), modulesSql);
				const found = modules.safeParse(parseJson(text.trim()));
				if (!found.success) throw malformed('db.modules', text);
				return Object.keys(found.data).sort();
			}),
		/**
		 * Names of the modules whose code lies in the add-on path of this Odoo's configuration. What Odoo finds besides, its own
		 * `base`, is not among them; without a path in the configuration there are none.
		 */
		moduleFolders: () =>
			call('odoo.modules', false, '', {}, async () => {
				const config = await read('db.config', ['cat', configFile]);
				const path = /^addons_path\s*=\s*(\S.*)$/m.exec(config)?.[1] ?? '';
				const folders = path
					.split(',')
					.map((folder) => folder.trim())
					.filter((folder) => folder.startsWith('/'));
				if (folders.length === 0) return new Set<string>();
				const manifests = ['-mindepth', '2', '-maxdepth', '2', '-name', '__manifest__.py'];
				const found = await exec(['find', '-L', ...folders, ...manifests, '-printf', '%h\\n'], {
					...{ timeoutMs: SECONDS * 1000, changes: false }
				});
				// A folder that is not there is passed over, as Odoo does.
				const complaints = found.stderr.split('\n').filter(Boolean);
				if (found.code !== 0 && !complaints.every((line) => line.startsWith('find: ')))
					throw commandFailed('odoo.modules', false, found);
				return new Set(
					found.stdout
						.split('\n')
						.filter(Boolean)
						.map((folder) => folder.slice(folder.lastIndexOf('/') + 1))
				);
			})
	};
}
