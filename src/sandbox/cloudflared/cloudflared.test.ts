import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startSandbox } from '../sandbox.ts';
import { cloudflareDocument, TUNNEL_ID } from '../cloudflare/state.ts';
import { clusterOf } from '../proxmox/cluster.ts';
import { runOnNode } from '../ssh/pct.ts';
import type { Outcome } from '../ssh/shell.ts';

const sandbox = await startSandbox({ dataDir: null, speed: 0, basePort: 0 });
const { kernel } = sandbox;
afterAll(() => sandbox.close());

const FILE = '/etc/cloudflared/config.yml';
const HEAD = `tunnel: ${TUNNEL_ID}\ncredentials-file: /etc/cloudflared/${TUNNEL_ID}.json\n`;
const control = async (path: string, body: object) => {
	const response = await fetch(`${sandbox.url}/__sandbox/cloudflared${path}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ node: 'pve1', vmid: null, ...body })
	});
	return { status: response.status, body: await response.json() };
};
const run = async (
	argv: string[],
	options: { emit?: (text: string) => void; signal?: AbortSignal } = {}
) => {
	const { emit } = options;
	const result: Outcome = await runOnNode(clusterOf(kernel), 'pve1', {
		argv,
		stdin: Buffer.alloc(0),
		env: {},
		signal: options.signal ?? new AbortController().signal,
		...(emit ? { emit: (chunk: Buffer) => emit(chunk.toString()) } : {})
	});
	return { code: result.code, out: result.stdout.toString(), err: result.stderr.toString() };
};
const validated = async (text: string) => {
	await control('/file', { content: `${HEAD}${text}` });
	return run(['cloudflared', 'tunnel', '--config', FILE, 'ingress', 'validate']);
};
const tunnel = () =>
	cloudflareDocument(kernel)
		.get()
		.tunnels.find(({ id }) => id === TUNNEL_ID)!;

beforeEach(async () => {
	kernel.reset();
	expect((await run(['cloudflared', '--version'])).code).toBe(127);
	await control('', { tunnel_id: TUNNEL_ID, source: 'local' });
});

describe('ingress validate', () => {
	test('says OK, and warns of keys that it does not know', async () => {
		const good = await validated('ingress:\n  - service: http_status:404\n');
		expect(good).toEqual({ code: 0, out: `Validating rules from ${FILE}\nOK\n`, err: '' });
		const odd = await validated('colour: red\ningress:\n  - service: http_status:404\n');
		expect(odd.code).toBe(0);
		expect(odd.out).toContain('field colour not found in type config.configFileSettings');
	});

	test.each([
		['', "The config file doesn't contain any ingress rules"],
		[
			'ingress:\n  - hostname: a.b\n    service: http://1.2.3.4\n',
			'The last ingress rule must match all URLs'
		],
		['ingress:\n  - service: 1.2.3.4\n', '1.2.3.4 is an invalid address'],
		[
			'ingress:\n  - hostname: "a.*.b"\n    service: http://x\n  - service: http_status:404\n',
			'at most one wildcard'
		],
		['ingress:\n  - service: [\n', 'error parsing YAML in config file']
	])('refuses %j', async (text, sentence) => {
		const bad = await validated(text);
		expect(bad.code).toBe(1);
		expect(bad.err).toContain(sentence);
	});
});

describe('the service', () => {
	test('reads its file when it starts, and only then', async () => {
		await validated('ingress:\n  - service: http://10.0.0.1\n');
		const rules = async () => {
			const response = await fetch(`${sandbox.url}/__sandbox/cloudflared`);
			const [machine] = (await response.json()) as { units: { ingress: object[] }[] }[];
			return machine!.units[0]!.ingress;
		};
		expect(await rules()).toEqual([{ service: 'http_status:404' }]);
		const reload = await run(['systemctl', 'reload', '--', 'cloudflared']);
		expect(reload.code).not.toBe(0);
		expect(reload.err).toContain('Job type reload is not applicable for unit cloudflared.service.');
		expect((await run(['systemctl', 'reload-or-restart', 'cloudflared'])).code).toBe(0);
		expect(await rules()).toEqual([{ service: 'http://10.0.0.1' }]);
	});

	test('one that does not come up has no connections, and says why in the journal', async () => {
		await validated('ingress: nonsense\n');
		expect(tunnel().connectors).toHaveLength(1);
		expect((await run(['systemctl', 'restart', 'cloudflared'])).err).toContain(
			'Job for cloudflared.service failed'
		);
		expect((await run(['systemctl', 'is-active', 'cloudflared'])).out).toBe('failed\n');
		expect(tunnel().connectors).toEqual([]);
		const { out } = await run([
			'journalctl',
			'-u',
			'cloudflared',
			'-n',
			'10',
			'-o',
			'cat',
			'--no-pager'
		]);
		expect(out).toMatch(/ ERR .*ingress must be a list/);
	});

	test('of a tunnel that is configured at Cloudflare it tells each new version', async () => {
		await control('', { tunnel_id: TUNNEL_ID, source: 'cloudflare' });
		const path = `${sandbox.url}/__sandbox/cloudflare/tunnels/${TUNNEL_ID}/ingress`;
		const body = JSON.stringify({ ingress: [{ service: 'http_status:503' }] });
		await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
		const { out } = await run(['journalctl', '-u', 'cloudflared', '-o', 'cat']);
		expect(out).toMatch(/Updated to new configuration config=.*http_status:503.* version=2\n$/);
	});

	test('the journal is followed until the caller leaves', async () => {
		const leaving = new AbortController();
		let seen = '';
		const following = run(['journalctl', '-u', 'cloudflared', '-n', '1', '-o', 'json', '-f'], {
			emit: (text) => (seen += text),
			signal: leaving.signal
		});
		await control('/log', { level: 'WRN', text: 'first', times: 2 });
		while (seen.split('first').length < 3) await sleep(5);
		leaving.abort();
		expect((await following).code).toBe(130);
		const entry = JSON.parse(seen.trim().split('\n').at(-1)!) as Record<string, string>;
		expect(entry).toMatchObject({ PRIORITY: '6', _SYSTEMD_UNIT: 'cloudflared.service' });
		expect(entry.MESSAGE).toMatch(/^\d{4}-.*Z WRN first$/);
	});
});

test('it is installed where there is a system, and commands elsewhere do not know it', async () => {
	expect((await control('', { node: 'pve9', tunnel_id: TUNNEL_ID })).status).toBe(404);
	expect((await control('', { vmid: 4711, tunnel_id: TUNNEL_ID })).status).toBe(404);
	expect((await control('', {})).status).toBe(400);
	expect((await run(['ls', '/root'])).code).toBe(127);
});
