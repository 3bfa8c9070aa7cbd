import { createHash, type Hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Changes with the content of these files and folders of the repository. @param ignored paths to leave out */
export function hashOf(names: string[], ignored?: RegExp): string {
	const hash = createHash('sha256');
	for (const name of names) add(hash, name, ignored);
	return hash.digest('hex');
}

function add(hash: Hash, name: string, ignored: RegExp | undefined): void {
	const path = join(root, name);
	if (ignored?.test(name) || !existsSync(path)) return;
	if (statSync(path).isDirectory()) {
		for (const child of readdirSync(path).sort()) add(hash, `${name}/${child}`, ignored);
	} else {
		hash.update(name).update(readFileSync(path));
	}
}
