import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { connectionsOfOdoo, connectionsOfServer } from '../postgres/connections.ts';
import { SETUP_SCRIPT } from './setupScript.server.ts';

const folder = mkdtempSync(join(tmpdir(), 'setup-script-'));
afterAll(() => rmSync(folder, { recursive: true }));
const shell = (text: string, env: Record<string, string> = {}) =>
	execFileSync('bash', ['-s'], { input: text, encoding: 'utf8', env: { ...process.env, ...env } });

/** All that the script defines, for what follows; nothing of it is run. */
const DEFINED = SETUP_SCRIPT.slice(0, SETUP_SCRIPT.lastIndexOf('\nmain "$@"'));

/** What a step writes for later, as it would be in the container, on a machine of so many cores and so much memory. */
function written(path: string, marker: string): string {
	const from = SETUP_SCRIPT.indexOf(`put ${path} 755 <<-${marker}`);
	const body = SETUP_SCRIPT.slice(
		SETUP_SCRIPT.indexOf('\n', from),
		SETUP_SCRIPT.indexOf('\n\tEOF', from)
	);
	const file = join(folder, 'written');
	shell(`memory=no buffers=\ncat >"$FILE" <<${marker}${body.replaceAll('\n\t\t', '\n')}\nEOF`, {
		FILE: file
	});
	return readFileSync(file, 'utf8').trim().replaceAll('/proc/meminfo', join(folder, 'meminfo'));
}

it.each([
	[1, 512],
	[1, 1024],
	[2, 4096],
	[8, 4096],
	[8, 65_536],
	[16, 6_000]
])('%i cores and %i MB: an Odoo opens, and a PostgreSQL takes, what is counted', (cores, mb) => {
	writeFileSync(join(folder, 'meminfo'), `MemTotal:       ${mb * 1024} kB\n`);
	const start = written('/usr/local/sbin/odoo-start', "'EOF'").replace(/^exec \S+/m, 'echo');
	const words = shell(`nproc() { echo ${cores}; }\n${start}`);
	const workers = Number(/--workers (\d+) /.exec(words)?.[1]);
	const crons = Number(/--max-cron-threads (\d+)/.exec(words)?.[1]);
	const [each, websockets] = ['db_maxconn', 'db_maxconn_gevent'].map((name) =>
		Number(new RegExp(`^\\t*${name} = (\\d+)$`, 'm').exec(SETUP_SCRIPT)?.[1])
	);
	const opened = (workers + crons) * each! + websockets!;
	expect(connectionsOfOdoo({ cpuCores: cores, ramMb: mb })).toBe(opened);

	mkdirSync(join(folder, 'conf.d'), { recursive: true });
	const sized = written('/usr/local/sbin/erpcore-postgresql', 'EOF').replace(
		'/etc/postgresql/',
		`${folder}/`
	);
	shell(`set -- .\n${sized}`);
	const set = readFileSync(join(folder, 'conf.d/erpcore-memory.conf'), 'utf8');
	expect(set.trim()).toBe(`max_connections = ${connectionsOfServer(mb)}`);
	// In one container they have both, and three are kept for the superuser.
	expect(opened).toBeLessThanOrEqual(connectionsOfServer(mb) - 3);
});

it('pipes nothing into what stops reading early: whoever still writes would fail now and then', () => {
	expect(SETUP_SCRIPT).toMatch(/^set -euo pipefail$/m);
	const code = SETUP_SCRIPT.split('\n').filter((line) => !/^\s*#/.test(line));
	expect(code.filter((line) => /\|\s*(grep\s+-\w*[qm]|head\b|sed\b.*\bq\b)/.test(line))).toEqual(
		[]
	);
});

it('takes away what compiles, although an earlier try broke off after it was installed', () => {
	const state = join(folder, 'state');
	mkdirSync(state);
	writeFileSync(join(folder, 'system'), 'zlib1g-dev\n');
	// A system of which the packages are lines of a file.
	const stands = `
		STATE=${state}
		installed() { grep -qx -- "$1" ${folder}/system; }
		packages() { for one in "$@"; do installed "$one" || echo "$one" >>${folder}/system; done; }
		apt-mark() { :; }
		apt-get() { for one in "$@"; do sed -i "/^$one\\$/d" ${folder}/system; done; }`;
	const build = (what: string) => `${DEFINED}\n${stands}\nbuild_with ${what}`;
	expect(() => shell(build('false'))).toThrow();
	expect(readFileSync(join(folder, 'system'), 'utf8')).toContain('build-essential');
	shell(build('true'));
	const left = readFileSync(join(folder, 'system'), 'utf8').trim().split('\n');
	// What was there before stays, as does what Odoo runs with.
	expect(left).toContain('zlib1g-dev');
	expect(left.filter((name) => /-dev$|essential/.test(name))).toEqual(['zlib1g-dev']);
	expect(left).toContain('libpq5');
	expect(existsSync(join(state, 'toolchain'))).toBe(false);
});
