/** Builds the application unless the build on disk was made from exactly these sources. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf, root } from './hash.ts';

const stampFile = join(root, 'build/.sources');

// Everything that a build reads. src/cli and src/sandbox are not part of the bundle.
const sources = [
	'src',
	'static',
	'prisma',
	'package-lock.json',
	'svelte.config.js',
	'vite.config.ts'
];
const ignored =
	/^(src\/(cli|sandbox|i18n\/paraglide)|prisma\/(generated|migrations))(\/|$)|\.test\.ts$/;

/**
 * @param onStart called when there is something to build
 * @throws Error with the build's output
 */
export async function build(onStart?: () => void): Promise<void> {
	const stamp = hashOf(sources, ignored);
	if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
	onStart?.();
	const vite = join(root, 'node_modules/vite/bin/vite.js');
	await new Promise<void>((resolve, reject) => {
		const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
			cwd: root,
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, NODE_ENV: 'production' }
		});
		let output = '';
		for (const stream of [child.stdout, child.stderr])
			stream.on('data', (text) => (output += text));
		child.once('error', reject);
		child.once('exit', (code) =>
			code === 0 ? resolve() : reject(new Error(`The build failed:\n${output}`))
		);
	});
	writeFileSync(stampFile, stamp);
}
