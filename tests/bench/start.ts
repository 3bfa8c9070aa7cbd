import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../src/cli/hash.ts';
import { figure, heading } from './report.ts';

/** The reference for a start: Node itself. */
function bareNode(): { what: string; value: number } {
	const begun = performance.now();
	spawnSync(process.execPath, ['-e', '0']);
	return { what: 'node -e 0', value: (performance.now() - begun) / 1_000 };
}

/** @param startMs of a start with a build and without data, then of one with both */
export function benchStart(firstMs: number, laterMs: number): void {
	heading('Starts');
	const reference = bareNode();
	figure({ what: 'First start, built already', value: firstMs / 1_000, unit: 's', reference });
	figure({ what: 'Later start', value: laterMs / 1_000, unit: 's', aim: 15, reference });
}

/** Everything that a stranger waits for: clone, install, build, start. The working copy's last commit is what is cloned. */
export function benchClone(): void {
	heading('From a clean clone to ready');
	const folder = mkdtempSync(join(tmpdir(), 'erp-core-clone-'));
	const begun = performance.now();
	const seconds = () => (performance.now() - begun) / 1_000;
	try {
		run('git', ['clone', '--quiet', root, folder], root);
		run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], folder);
		const installed = seconds();
		figure({ what: 'Clone and install', value: installed, unit: 's', reference: bareNode() });
		run('npm', ['run', '--silent', 'generate'], folder);
		run('npm', ['run', '--silent', 'build'], folder);
		figure({ what: 'Clone, install, build', value: seconds(), unit: 's', aim: 240 });
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function run(command: string, args: string[], cwd: string): void {
	const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
	if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}
