import { cloudflareDocument, TUNNEL_ID } from '../cloudflare/state.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { install } from './service.ts';
import { cloudflaredDocument, machineAt, type Machine } from './state.ts';

export const CONFIG = '/etc/cloudflared/config.yml';

/** cloudflared on a system of a sandbox, for tests; its tunnel is the one that is there from the beginning. */
export async function testCloudflared(
	kernel: Kernel,
	place: { node: string; vmid: number | null },
	options: { config?: string; tunnelId?: string; source?: 'local' | 'cloudflare' } = {}
) {
	cloudflareDocument(kernel);
	await install(kernel, place, {
		tunnelId: options.tunnelId ?? TUNNEL_ID,
		source: options.source ?? 'local',
		unit: 'cloudflared',
		path: CONFIG,
		...(options.config === undefined ? {} : { config: options.config })
	});
	const machine = (): Machine => {
		const found = machineAt(kernel, place.node, place.vmid);
		if (!found) throw new Error('cloudflared is gone');
		return found;
	};
	return {
		machine,
		text: () => machine().files[CONFIG]?.content ?? null,
		/** Names of the files beside it. */
		names: () => Object.keys(machine().files).map((path) => path.slice('/etc/cloudflared/'.length)),
		/** What requests are routed by. */
		rules: () => machine().units.cloudflared?.rules ?? null,
		/** Somebody else writes the file. */
		edit: (content: string) => {
			machine().files[CONFIG] = { content, mode: '644', changedMs: kernel.clock.nowMs() };
			cloudflaredDocument(kernel).changed();
		}
	};
}
