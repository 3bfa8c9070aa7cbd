import { cpus } from 'node:os';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { WaitingFirst } from './tests/setup/waitingFirst.ts';

export default defineConfig({
	plugins: [
		paraglideVitePlugin({
			project: './src/i18n/project.inlang',
			outdir: './src/i18n/paraglide',
			strategy: ['cookie', 'preferredLanguage', 'baseLocale']
		}),
		separateMessages(),
		tailwindcss(),
		sveltekit(),
		webSockets()
	],
	test: {
		environment: 'node',
		include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
		exclude: ['**/node_modules/**', 'tests/e2e/**', 'tests/bench/**', 'tests/host/**'],
		globalSetup: ['tests/setup/global.ts'],
		setupFiles: ['tests/setup/fresh.ts', 'tests/setup/file.ts'],
		// A test that asserts nothing fails.
		expect: { requireAssertions: true },
		// As they are and once for each worker: to transform three thousand messages for each file takes longer than most
		// files' tests. Neither Prisma's client nor the sandbox holds anything of the file before.
		server: {
			deps: {
				external: [
					/\/src\/i18n\/paraglide\//,
					/\/prisma\/generated\//,
					/\/src\/sandbox\/(?!.*\.test\.ts$)/
				]
			}
		},
		pool: 'forks',
		// A process for each file would load the same for longer than most files take: fresh.ts begins anew within one.
		isolate: false,
		maxWorkers: cpus().length,
		sequence: { sequencer: WaitingFirst, setupFiles: 'list' },
		// A busy machine makes a test slow, which is no defect: only what hangs is.
		testTimeout: 60_000,
		hookTimeout: 60_000,
		coverage: {
			provider: 'v8',
			// Components are measured by the end-to-end tests, which run in a browser.
			include: ['src/lib/**/*.ts'],
			exclude: ['**/*.test.ts', '**/*.svelte.ts'],
			reporter: ['text-summary', 'json-summary'],
			reportsDirectory: 'coverage',
			reportOnFailure: true,
			thresholds: { lines: 80 }
		}
	}
});

/** `npm run dev`: hands WebSocket upgrades to the hub, as src/server.ts does for the built application. */
function webSockets(): Plugin {
	return {
		name: 'erp-core:web-sockets',
		configureServer({ httpServer }) {
			httpServer?.on('upgrade', (request, socket, head) => {
				// Vite's own channel for changed modules.
				if (request.headers['sec-websocket-protocol']?.startsWith('vite-')) return;
				const upgrade: unknown = Reflect.get(globalThis, Symbol.for('erp-core.upgrade'));
				if (typeof upgrade === 'function') upgrade(request, socket, head);
				else socket.destroy();
			});
		}
	};
}

/** Each page loads the messages that it shows: otherwise who imports one message imports those of every page. */
function separateMessages(): Plugin {
	return {
		name: 'erp-core:separate-messages',
		enforce: 'pre',
		transform: {
			filter: { id: /\/src\/i18n\/paraglide\/messages(\.js|\/)/ },
			handler: (code) => ({ code, map: null, moduleSideEffects: false })
		}
	};
}
