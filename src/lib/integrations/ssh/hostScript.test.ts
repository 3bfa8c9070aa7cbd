import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { quote } from './ssh.server.ts';

const folder = mkdtempSync(join(tmpdir(), 'erp-core-ssh-'));
afterAll(() => rmSync(folder, { recursive: true }));
const perl = spawnSync('perl', ['-e', '1']).status === 0;

/** The script with a `pct` that says what it was given, one word a line. */
function installed(): string {
	const script = join(folder, 'erp-core-ssh');
	const pct = join(folder, 'pct');
	writeFileSync(pct, '#!/bin/sh\nprintf "%s\\0" "$@"\n');
	const source = readFileSync(
		new URL('../../../../deploy/proxmox/erp-core-ssh', import.meta.url),
		'utf8'
	);
	writeFileSync(script, source.replace("= '/usr/local/sbin:", `= '${folder}:/usr/local/sbin:`));
	for (const file of [script, pct]) chmodSync(file, 0o755);
	return script;
}

describe.skipIf(!perl)('what our key may run on a host', () => {
	const script = perl ? installed() : '';
	const run = (command: string) =>
		spawnSync(script, { env: { SSH_ORIGINAL_COMMAND: command }, encoding: 'utf8' });

	it.each([
		['a question', ['timeout', '60', 'pct', 'list']],
		['odd arguments', ['pct', 'exec', '101', '--', 'sh', '-c', `echo 'a;b' "$HOME" \`id\`\nñ \\`]],
		['nothing between quotes', ['timeout', '5', 'pct', 'exec', '101', '--', 'echo', '']]
	])('passes %s on word by word, past any shell', (_what, argv) => {
		const { status, stdout } = run(argv.map(quote).join(' '));
		expect(status).toBe(0);
		expect(stdout.split('\0').slice(0, -1)).toEqual(argv.slice(argv.indexOf('pct') + 1));
	});

	it.each([
		'',
		'bash',
		"timeout 5 sh -c 'id'",
		'pct destroy 101',
		'pct list; id',
		'pct $(id)',
		'sha256sum /etc/shadow -c x',
		'timeout 5 timeout 5 pct list',
		'env -i LD_PRELOAD=/tmp/x pct enter 101',
		'env -i PATH=/tmp pct enter 101',
		'env -i TERM=xterm bash',
		"pct 'list"
	])('refuses %j', (command) => {
		expect(run(command)).toMatchObject({ status: 126, stdout: '' });
	});

	it('hashes archives', () => {
		const file = join(folder, 'dump.zst');
		writeFileSync(file, 'x');
		const expected = execFileSync('sha256sum', ['--', file], { encoding: 'utf8' });
		expect(run(`timeout 60 sha256sum -- ${file}`).stdout).toBe(expected);
	});
});
