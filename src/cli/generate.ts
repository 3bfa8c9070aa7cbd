/** `npm run generate`: what other files import but no one writes by hand: Prisma's client, the messages, SvelteKit's types. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hashOf, root } from './hash.ts';

const stampFile = join(root, 'node_modules/.cache/erp-core/generated');
const sources = ['prisma', 'src/i18n', 'package-lock.json', 'prisma.config.ts'];
const outputs = ['prisma/generated', 'src/i18n/paraglide', '.svelte-kit'];
const ignored =
	/^(prisma\/(generated|migrations)|src\/i18n\/(paraglide|project\.inlang\/cache))(\/|$)/;

/** `generate`, unless what is there was made from exactly these sources. */
export async function generateIfChanged(): Promise<void> {
	const stamp = hashOf(sources, ignored);
	const made = outputs.every((output) => existsSync(join(root, output)));
	if (made && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
	await generate();
	mkdirSync(dirname(stampFile), { recursive: true });
	writeFileSync(stampFile, stamp);
}

/**
 * Runs the three generators beside one another.
 * @throws Error with the output of the one that failed
 */
export async function generate(): Promise<void> {
	await Promise.all([
		run('prisma', ['generate', '--no-hints']),
		run('paraglide-js', [
			'compile',
			...['--project', 'src/i18n/project.inlang', '--outdir', 'src/i18n/paraglide'],
			...['--strategy', 'cookie', 'preferredLanguage', 'baseLocale']
		]),
		run('svelte-kit', ['sync'])
	]);
}

function run(tool: string, args: string[]): Promise<void> {
	return new Promise((resolve, reject) => {
		const script = join(root, 'node_modules/.bin', tool);
		const child = spawn(process.execPath, [script, ...args], {
			cwd: root,
			stdio: ['ignore', 'pipe', 'pipe']
		});
		let output = '';
		for (const stream of [child.stdout, child.stderr])
			stream.on('data', (text) => (output += text));
		child.once('error', reject);
		child.once('exit', (code) =>
			code === 0 ? resolve() : reject(new Error(`${tool} failed:\n${output}`))
		);
	});
}

if (import.meta.main) await generate();
