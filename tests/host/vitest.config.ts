import { defineConfig } from 'vitest/config';

/** What needs root and real Linux containers: `npm run test:host`. */
export default defineConfig({
	test: {
		include: ['tests/host/**/*.test.ts'],
		fileParallelism: false,
		// The first run fetches a Debian.
		hookTimeout: 600_000,
		testTimeout: 300_000
	}
});
