import { describe, expect, test } from 'vitest';
import { TUNNEL_ID } from '../../../sandbox/cloudflare/state.ts';
import { CONFIG, testCloudflared } from '../../../sandbox/cloudflared/testing.ts';
import { AT, RULES, testConnectorHost, TEXT } from '../../../../tests/setup/cloudflared.ts';
import { unrecorded } from '../record.ts';
import { cloudflared, type HostExec } from './cloudflared.server.ts';

const { kernel, client, onNode } = await testConnectorHost();

describe.each([
	{ where: 'on a node', vmid: null },
	{ where: 'inside a container', vmid: 105 }
])('cloudflared $where', ({ vmid }) => {
	const exec: HostExec = vmid === null ? onNode : client.inside(vmid);
	const host = cloudflared(AT, exec, unrecorded);

	test('version, state and rules are what is there', async () => {
		await testCloudflared(kernel, { node: 'pve1', vmid }, { config: TEXT });
		expect(await host.version()).toBe('2026.10.1');
		expect(await host.state()).toMatchObject({ state: 'active', startedMs: expect.any(Number) });
		expect(await host.read()).toEqual({
			tunnel: TUNNEL_ID,
			rules: [
				{ hostname: 'old.sajet.us', service: 'http://localhost:8069' },
				{ service: 'http_status:404' }
			],
			state: 'active',
			isInForce: true,
			hasHandover: false
		});
	});

	test('rules are written, in force, and all else of the file stays', async () => {
		const there = await testCloudflared(kernel, { node: 'pve1', vmid }, { config: TEXT });
		there.machine().files[CONFIG]!.mode = '640';
		await host.write(RULES);
		expect(await host.read()).toMatchObject({ rules: RULES, isInForce: true });
		expect(there.rules()).toEqual(RULES);
		expect(there.text()).toContain('# Written by Ana, do not lose\n');
		expect(there.text()).toContain('protocol: quic # the firewall likes it\n');
		expect(there.text()).toMatch(/# our own\nno-such-setting:\n {2}a: \[ ?1, 2 ?\]\ningress:\n/);
		expect(there.text()).toMatch(/\nloglevel: info\n$/);
		expect(there.machine().files[CONFIG]!.mode).toBe('640');
		expect(there.names().filter((name) => name.endsWith('.bak'))).toHaveLength(1);
		expect(there.names().some((name) => name.includes('erpcore-new'))).toBe(false);
		expect(Object.keys(there.machine().units)).toEqual(['cloudflared']);
	});

	test('the journal is read, with levels, and goes on after a cursor', async () => {
		await testCloudflared(kernel, { node: 'pve1', vmid }, { config: TEXT });
		const lines = await host.journal(100);
		expect(lines).toContainEqual(
			expect.objectContaining({
				level: 'info',
				text: expect.stringMatching(/^Registered tunnel connection connIndex=0 .*protocol=quic$/)
			})
		);
		const last = lines.at(-1)!;
		expect(await host.journal(100, last.cursor)).toEqual([]);
		await host.write(RULES);
		const later = await host.journal(100, last.cursor);
		expect(later.length).toBeGreaterThan(0);
		expect(later[0]!.text).not.toBe(lines[0]!.text);
	});
});
