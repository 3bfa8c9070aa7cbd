import { commandFailed, malformed } from './answers.ts';
import type { PackedFile } from './transfer.server.ts';
import type { PostgresTools } from './postgres.server.ts';

const SECONDS = { look: 600, change: 60, pack: 6 * 3600 } as const;

/** The files of databases beside Odoo, which lie in a folder under each database's name. */
export function filesOf({ exec, read, run, configFile, user }: PostgresTools) {
	let known: string | null = null;
	const store = async (): Promise<string> => {
		if (known === null) {
			const config = await read('db.config', ['cat', configFile]);
			known = /^data_dir\s*=\s*(\S+)/m.exec(config)?.[1] ?? '/var/lib/odoo';
		}
		return `${known}/filestore`;
	};
	const folderOf = async (database: string) => `${await store()}/${database}`;
	const isThere = async (path: string, what: '-d' | '-s' = '-d'): Promise<boolean> => {
		const result = await exec(['test', what, path], {
			timeoutMs: SECONDS.change * 1000,
			changes: false
		});
		if (result.code > 1) throw commandFailed('files.look', false, result);
		return result.code === 0;
	};

	return {
		/** A folder, or with `-s` a file that is not empty. */
		isThere,
		/** How many files and how many bytes a database has. One whose users uploaded nothing has no folder. */
		count: async (database: string): Promise<{ count: number; bytes: number }> => {
			const folder = await folderOf(database);
			if (!(await isThere(folder))) return { count: 0, bytes: 0 };
			const text = await read(
				'files.count',
				['find', folder, '-type', 'f', '-printf', '%s\\n'],
				SECONDS.look
			);
			const sizes = text.split('\n').filter(Boolean);
			if (sizes.some((size) => !/^\d+$/.test(size))) throw malformed('files.count', text);
			return { count: sizes.length, bytes: sizes.reduce((sum, size) => sum + Number(size), 0) };
		},
		/** Free bytes where they lie. */
		free: async (): Promise<number> => {
			const text = await read('files.free', ['df', '-B1', '--output=avail', '/var/lib']);
			const bytes = /(\d+)\s*$/.exec(text)?.[1];
			if (!bytes) throw malformed('files.free', text);
			return Number(bytes);
		},
		pack: async (database: string, archive: string): Promise<void> => {
			const folder = await folderOf(database);
			const from = (await isThere(folder)) ? ['-C', folder, '.'] : ['-T', '/dev/null'];
			await run('files.pack', ['tar', '-cf', archive, ...from], SECONDS.pack);
		},
		unpack: async (database: string, archive: string): Promise<void> => {
			const folder = await folderOf(database);
			await run(
				'files.unpack',
				['runuser', '-u', user, '--', 'mkdir', '-p', folder],
				SECONDS.change
			);
			const tar = `runuser -u ${user} -- tar -C ${folder} -xf -`;
			await run('files.unpack', ['sh', '-c', `${tar} < ${archive}`], SECONDS.pack);
		},
		rename: async (from: string, to: string): Promise<void> => {
			const [was, is] = [await folderOf(from), await folderOf(to)];
			if (await isThere(was)) await run('files.rename', ['mv', '-T', was, is], SECONDS.change);
		},
		remove: async (database: string): Promise<void> => {
			await run('files.remove', ['rm', '-rf', await folderOf(database)], SECONDS.look);
		},
		/** Size and digest of a file that was written. */
		weigh: async (path: string): Promise<PackedFile> => {
			const sha256 =
				(await read('file.weigh', ['sha256sum', path], SECONDS.pack)).split(' ')[0] ?? '';
			const bytes = (await read('file.weigh', ['stat', '-c', '%s', path])).trim();
			if (!/^[0-9a-f]{64}$/.test(sha256) || !/^\d+$/.test(bytes))
				throw malformed('file.weigh', `${sha256} ${bytes}`);
			return { path, sha256, bytes: Number(bytes) };
		}
	};
}
