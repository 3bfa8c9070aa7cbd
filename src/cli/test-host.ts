/** `npm run test:host`: what needs root and real Linux containers. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { aptInstall } from './apt.ts';
import { type Outcome, runTool } from './checks.ts';
import { root } from './hash.ts';

/** Runs tests/host where the machine allows it; elsewhere says why not, which is no failure. */
export async function hostTests(): Promise<Outcome> {
	const reason = whyNot() ?? lacking() ?? forbidden();
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

/** What makes containers, by the package that has it. */
const TOOLS = { 'lxc-start': 'lxc', debootstrap: 'debootstrap', ip: 'iproute2' };

/** Installs what is missing of it. @returns why it could not be; null when all of it is there */
function lacking(): string | null {
	for (const [program, name] of Object.entries(TOOLS)) {
		if (isThere(program)) continue;
		try {
			aptInstall(name);
		} catch (error) {
			return `${name} could not be installed (${error instanceof Error ? error.message : String(error)})`;
		}
	}
	return null;
}

/** @returns what this machine does not let root do, as in a container itself, or where the mirror is not reached */
function forbidden(): string | null {
	const inRelease = 'http://deb.debian.org/debian/dists/bookworm/InRelease';
	const tries: [string, string[], string][] = [
		['ip', ['link', 'add', 'erphosttry', 'type', 'bridge'], 'it lets nobody make networks'],
		['ip', ['link', 'del', 'erphosttry'], 'it lets nobody remove networks'],
		['unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'], 'it lets nobody mount'],
		[
			'/usr/lib/apt/apt-helper',
			['download-file', inRelease, join(tmpdir(), 'erphost-InRelease')],
			"Debian's mirror is not reached"
		]
	];
	const failed = tries.find(
		([program, args]) => spawnSync(program, args, { stdio: 'ignore' }).status !== 0
	);
	return failed?.[2] ?? null;
}

function isThere(program: string): boolean {
	const folders = ['/usr/sbin', '/sbin', ...(process.env.PATH ?? '').split(delimiter)];
	return folders.some((folder) => existsSync(join(folder, program)));
}

if (import.meta.main) {
	const { failed, words } = await hostTests();
	console.log(words || 'passed');
	process.exitCode = failed > 0 ? 1 : 0;
}
