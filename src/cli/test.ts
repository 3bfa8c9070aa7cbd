/**
 * `npm test`: every check there is. The last line is `N passed, N failed` over all of them; a check that is no test counts
 * as one. Ends with a code other than 0 when anything failed.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.ts';
import { check, type Outcome, playwright, toolCheck, vitest } from './checks.ts';
import { ensureChromium } from './chromium.ts';
import { generate } from './generate.ts';
import { root } from './hash.ts';
import { ensureNginx } from './nginx.ts';
import { hostTests } from './test-host.ts';

const MINIMUM_COVERAGE = 80;
const started = Date.now();
let passed = 0;
let failed = 0;
const failures: string[] = [];
const unsteady: string[] = [];

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
// A report of an earlier run must not be counted as this one's.
for (const old of ['.data/test', 'coverage'])
	rmSync(join(root, old), { recursive: true, force: true });

await part('generate', () => check(generate));

// Before the two lanes: Debian installs one thing at a time. Without it the tests that need it are skipped.
const noNginx = ensureNginx();
if (noNginx) console.log(`~ skipped: ${noNginx}`);

let chromium: string | null = null;
let built = false;

// Two lanes for two cores: the checkers and the build beside the tests.
await Promise.all([
	(async () => {
		await part('browser', () => check(() => (chromium = ensureChromium())));
		await part('format', () =>
			toolCheck('format', 'prettier', ['--check', '--log-level=warn', '.'])
		);
		await part('lint', () => toolCheck('lint', 'eslint', ['.']));
		await part('types', () =>
			toolCheck('types', 'svelte-check', [
				...['--tsconfig', './tsconfig.json', '--output', 'human', '--fail-on-warnings']
			])
		);
		await part('build', async () => {
			const outcome = await check(() => build());
			built = outcome.failed === 0;
			return outcome;
		});
		// Installs packages and waits for machines to boot: beside the tests it costs the least time.
		await part('host', hostTests);
	})(),
	part('unit and integration', () => vitest(MINIMUM_COVERAGE))
]);

await part('end to end', async () => {
	if (!chromium) return { passed: 0, failed: 1, words: 'not run: there is no browser' };
	if (!built) return { passed: 0, failed: 1, words: 'not run: there is no build' };
	return playwright(chromium);
});

for (const test of unsteady) console.log(`~ passed only when run again: ${test}`);
for (const failure of failures) console.log(`✗ ${failure}`);
console.log(`\n${((Date.now() - started) / 1000).toFixed(0)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function part(name: string, run: () => Promise<Outcome>): Promise<void> {
	const begun = Date.now();
	const outcome = await run().catch((error: unknown): Outcome => ({
		passed: 0,
		failed: 1,
		words: String(error)
	}));
	passed += outcome.passed;
	failed += outcome.failed;
	unsteady.push(...(outcome.unsteady ?? []));
	failures.push(...(outcome.failures ?? (outcome.failed > 0 ? [name] : [])));
	const seconds = ((Date.now() - begun) / 1000).toFixed(0);
	const sum = `${outcome.passed} passed, ${outcome.failed} failed`;
	console.log(`${outcome.failed > 0 ? '✗' : '✓'} ${name}: ${sum} (${seconds} s)`);
	if (outcome.words) console.log(outcome.words.replace(/^/gm, '    '));
}
