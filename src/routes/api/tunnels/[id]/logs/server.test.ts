import { expect, test } from 'vitest';
import { requestEvent } from '../../../../../../tests/access/event.ts';
import { bearerFor, createStaff } from '../../../../../../tests/factories/identity.ts';
import { testContainers } from '../../../../../../tests/setup/containers.ts';
import { TUNNEL_ID } from '../../../../../sandbox/cloudflare/state.ts';
import { logged } from '../../../../../sandbox/cloudflared/state.ts';
import { testCloudflared } from '../../../../../sandbox/cloudflared/testing.ts';
import { db } from '#lib/core/db.server.ts';
import '#lib/domains/tunnels/followLog.server.ts';

const { sandbox, pve } = await testContainers({ work: true });
// What a request goes through reads the environment as it is loaded.
const { handle } = await import('../../../../../hooks.server.ts');
const logs = await import('./+server.ts');
const { kernel } = sandbox;
const authorization = await bearerFor(await createStaff('auditor'), ['domains:read']);
const { id } = await db.tunnel.findFirstOrThrow({ where: { cloudflareId: TUNNEL_ID } });

async function ask(search = '') {
	const event = requestEvent({
		routeId: '/api/tunnels/[id]/logs',
		params: { id },
		method: 'GET',
		headers: { authorization }
	});
	event.url.search = search;
	const response = await handle({ event, resolve: () => logs.GET(event) });
	return { status: response.status, ...(await response.json()) };
}

test('the last lines of cloudflared, read when they are asked for, and what stands in the way', async () => {
	expect(await ask()).toMatchObject({
		status: 200,
		data: { lines: [], host: null, trouble: 'no_host', reached_at: null }
	});

	const there = await testCloudflared(
		kernel,
		{ node: 'pve1', vmid: null },
		{ source: 'cloudflare' }
	);
	const node = await db.node.findFirstOrThrow({ where: { name: 'pve1' } });
	await db.tunnel.update({ where: { id }, data: { hostNodeId: node.id, hostVmid: null } });
	logged(kernel, there.machine(), there.machine().units.cloudflared!, 'ERR', 'Origin is away');
	const seen = await ask('?level=error&lines=1');
	expect(seen.data).toMatchObject({
		lines: [{ level: 'error', text: 'Origin is away', left_out: 0 }],
		host: { node: 'pve1', vmid: null, unit: 'cloudflared', config: '/etc/cloudflared/config.yml' },
		version: '2026.10.1',
		service: 'active',
		trouble: null
	});
	expect((await ask('?search=registered')).data.lines).toHaveLength(4);
	expect((await ask('?lines=0')).status).toBe(400);

	pve.setOnline('pve1', false);
	await db.tunnelHost.updateMany({ data: { followedFrom: null, watchedUntil: null } });
	const away = await ask('?level=error');
	expect(away.data).toMatchObject({
		lines: [{ text: 'Origin is away' }],
		trouble: expect.stringMatching(/^(unreachable|lost)$/),
		reached_at: expect.any(String)
	});
});
