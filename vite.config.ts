import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
	plugins: [
		paraglideVitePlugin({
			project: './src/i18n/project.inlang',
			outdir: './src/i18n/paraglide',
			strategy: ['cookie', 'preferredLanguage', 'baseLocale'],
			cookieName: 'locale'
		}),
		tailwindcss(),
		sveltekit()
	],
	test: {
		environment: 'node',
		include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
		exclude: ['**/node_modules/**', 'tests/e2e/**', 'tests/bench/**'],
		globalSetup: ['tests/setup/global.ts'],
		setupFiles: ['tests/setup/file.ts'],
		// A test that asserts nothing fails.
		expect: { requireAssertions: true },
		pool: 'forks',
		testTimeout: 20_000,
		hookTimeout: 60_000,
		benchmark: { include: ['tests/bench/**/*.bench.ts'] },
		coverage: {
			provider: 'v8',
			// Components are measured by the end-to-end tests, which run in a browser.
			include: ['src/lib/**/*.ts'],
			exclude: ['**/*.test.ts', '**/*.svelte.ts'],
			reporter: ['text-summary', 'json-summary'],
			reportsDirectory: 'coverage',
			thresholds: { lines: 80 }
		}
	}
});
