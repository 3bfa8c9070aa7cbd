import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build } from 'vite';
import { afterAll } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface TestProcess {
	child: ChildProcess;
	/** SIGKILL: no handler runs, no connection is closed in good order. Resolves when it is gone. */
	kill(): Promise<void>;
}

/**
 * Bundles the product once, because mails are Svelte components, and starts processes of it with the environment of this
 * test file. Those that are left are killed after the last test.
 */
export async function testProcesses(): Promise<{
	start(role: 'web' | 'worker'): Promise<TestProcess>;
}> {
	// Inside the project, so that what is not bundled is found.
	const folder = mkdtempSync(join(ROOT, 'node_modules', '.test-process-'));
	const running = new Set<ChildProcess>();
	afterAll(() => {
		for (const child of running) child.kill('SIGKILL');
		rmSync(folder, { recursive: true, force: true });
	});
	await build({
		root: ROOT,
		configFile: false,
		logLevel: 'error',
		plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
		build: {
			ssr: join(ROOT, 'tests/setup/processMain.ts'),
			outDir: folder,
			target: 'node24',
			minify: false
		}
	});
	return {
		start: async (role) => {
			const child = fork(join(folder, 'processMain.js'), {
				env: { ...process.env, ROLE: role, DATABASE_POOL_SIZE: '16', NODE_ENV: 'production' },
				execArgv: [],
				stdio: ['ignore', 'ignore', 'pipe', 'ipc']
			});
			running.add(child);
			child.on('exit', () => running.delete(child));
			let said = '';
			child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
			await Promise.race([
				once(child, 'message'),
				once(child, 'exit').then(([code]) => {
					throw new Error(`the ${role} ended with ${code} before it was ready:\n${said}`);
				})
			]);
			return {
				child,
				kill: async () => {
					if (child.exitCode !== null || child.signalCode !== null) return;
					const gone = once(child, 'exit');
					child.kill('SIGKILL');
					await gone;
				}
			};
		}
	};
}
