/** `npm run test:host`: what needs root and real Linux containers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, runTool } from './checks.ts';
import { root } from './hash.ts';

/** Runs tests/host where the machine allows it; elsewhere says why not, which is no failure. */
export async function hostTests(): Promise<Outcome> {
	const reason = whyNot();
	if (reason) return { passed: 0, failed: 0, words: `skipped: ${reason}` };
	const { code, output } = await runTool('host', 'vitest', [
		'run',
		'--config',
		'tests/host/vitest.config.ts'
	]);
	return code === 0 ? { passed: 1, failed: 0, words: '' } : { passed: 0, failed: 1, words: output };
}

function whyNot(): string | null {
	if (!existsSync(join(root, 'tests/host/vitest.config.ts'))) return 'there are no host tests yet';
	if (process.getuid?.() !== 0) return 'they need root';
	if (!existsSync('/etc/debian_version')) return 'they need Debian';
	return null;
}

if (import.meta.main) {
	const { failed, words } = await hostTests();
	console.log(words || 'passed');
	process.exitCode = failed > 0 ? 1 : 0;
}
