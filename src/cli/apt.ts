import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const POLICY = '/usr/sbin/policy-rc.d';

/** Whether Debian's packages can be installed here: as root, with apt-get. */
export function canInstall(): boolean {
	return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** Installs a package of Debian's without starting what it brings. @throws what apt-get says */
export function aptInstall(name: string): void {
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
	const quiet = { env, stdio: 'ignore' } as const;
	// A web server that is only to be run by a test must not take port 80 of the machine.
	const unasked = !existsSync(POLICY);
	if (unasked) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
	try {
		execFileSync('apt-get', ['update', '-q'], quiet);
		execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', name], quiet);
	} finally {
		if (unasked) rmSync(POLICY, { force: true });
	}
}
