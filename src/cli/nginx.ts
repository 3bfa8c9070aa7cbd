import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { aptInstall, canInstall } from './apt.ts';

/** Path of an nginx on this machine, or null. NGINX_PATH wins. */
export function findNginx(): string | null {
	const named = process.env.NGINX_PATH;
	if (named) return existsSync(named) ? named : null;
	const folders = ['/usr/sbin', '/usr/local/sbin', ...(process.env.PATH ?? '').split(delimiter)];
	return folders.map((folder) => join(folder, 'nginx')).find((path) => existsSync(path)) ?? null;
}

/** Finds nginx, or installs Debian's where that is possible. @returns why there is none; null when there is one */
export function ensureNginx(): string | null {
	if (findNginx()) return null;
	const sentence =
		'the tests against the real nginx need it: install it (Debian: apt-get install nginx-light) or set NGINX_PATH to one';
	if (!canInstall()) return sentence;
	try {
		aptInstall('nginx-light');
	} catch (error) {
		return `${sentence} (${error instanceof Error ? error.message : String(error)})`;
	}
	return findNginx() ? null : sentence;
}
