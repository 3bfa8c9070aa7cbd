/** `npm run generate`: what other files import but no one writes by hand: Prisma's client, the messages, SvelteKit's types. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

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
		const script = fileURLToPath(new URL(`../../node_modules/.bin/${tool}`, import.meta.url));
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
