import { db } from '#lib/core/db.server.ts';
import { createTunnel } from '#lib/domains/tunnels/tunnelActs.server.ts';
import { newTunnelForm } from '#lib/domains/tunnels/tunnelForms.ts';
import { isMade } from '#lib/domains/tunnels/tunnelRow.ts';
import { watchTunnels } from '#lib/domains/tunnels/tunnelState.server.ts';
import { forgetSettings } from '#lib/settings/settings.server.ts';
import { cloudflareDocument } from '../../src/sandbox/cloudflare/state.ts';
import type { Kernel } from '../../src/sandbox/kernel/kernel.ts';
import { testCloudflared } from '../../src/sandbox/cloudflared/testing.ts';
import { BY } from './containerActs.ts';
import { eventually } from './queue.ts';

/** Gives every node a tunnel of its own with a connector on it, and lets new instances go by them. */
export async function tunnelPerNode(kernel: Kernel) {
	await db.setting.create({
		data: { key: 'cloudflare.tunnel_per', category: 'cloudflare', value: 'node' }
	});
	forgetSettings();
	const byNode = new Map<string, string>();
	const cloudflareIds = new Map<string, string>();
	for (const { id: nodeId, name } of await db.node.findMany()) {
		const form = newTunnelForm.parse({ name: `by-${name}`, node_id: nodeId });
		const { id } = await createTunnel(form, { ...BY, id: crypto.randomUUID() });
		const { cloudflareId } = await eventually(async () => {
			const tunnel = await db.tunnel.findUniqueOrThrow({ where: { id } });
			return isMade(tunnel) && tunnel;
		});
		const place = { node: name, vmid: null };
		await testCloudflared(kernel, place, { tunnelId: cloudflareId, source: 'cloudflare' });
		byNode.set(nodeId, id);
		cloudflareIds.set(cloudflareId, id);
	}
	await watchTunnels();
	return {
		tunnelOf: (nodeId: string) => byNode.get(nodeId),
		/** Ids of our tunnels whose rules name a host. */
		leads: (hostname: string) =>
			cloudflareDocument(kernel)
				.get()
				.tunnels.filter(({ config }) => JSON.stringify(config).includes(hostname))
				.map(({ id }) => cloudflareIds.get(id))
	};
}
