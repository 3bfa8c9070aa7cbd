import { ApiError, controlRoute, jsonBody } from '../cloudflare/envelope.ts';
import type { Route } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { clusterOf } from '../proxmox/cluster.ts';
import { install } from './service.ts';
import { cloudflaredDocument, logged, machineAt, type Machine } from './state.ts';

/** What happens to a cloudflared without the product: it is installed, edited by hand, restarted, or complains. */
export function cloudflaredControlRoutes(kernel: Kernel): Route[] {
	const route = controlRoute('/__sandbox/cloudflared');
	const text = (value: unknown): string | undefined =>
		typeof value === 'string' ? value : undefined;
	const placeOf = (body: Record<string, unknown>) => ({
		node: text(body.node) ?? '',
		vmid: typeof body.vmid === 'number' ? body.vmid : null
	});
	const machineOf = (body: Record<string, unknown>): Machine => {
		const place = placeOf(body);
		const machine = machineAt(kernel, place.node, place.vmid);
		if (!machine) throw new ApiError(404, 1, 'cloudflared is not installed there');
		return machine;
	};
	return [
		route('GET', '', () => ({
			status: 200,
			body: cloudflaredDocument(kernel).get().machines.map(shown)
		})),
		route('POST', '', async (request) => {
			const body = jsonBody(request);
			const place = placeOf(body);
			const cluster = clusterOf(kernel);
			if (!cluster.state.nodes.some(({ name }) => name === place.node))
				throw new ApiError(404, 1, `no node ${place.node}`);
			if (place.vmid !== null && cluster.state.containers[place.vmid]?.node !== place.node)
				throw new ApiError(404, 1, `no container ${place.vmid} on ${place.node}`);
			const tunnelId = text(body.tunnel_id);
			if (!tunnelId) throw new ApiError(400, 1, 'tunnel_id is missing');
			const machine = await install(kernel, place, {
				tunnelId,
				source: body.source === 'cloudflare' ? 'cloudflare' : 'local',
				unit: text(body.unit) ?? 'cloudflared',
				path: text(body.path) ?? '/etc/cloudflared/config.yml',
				...(text(body.config) === undefined ? {} : { config: text(body.config) }),
				...(text(body.version) === undefined ? {} : { version: text(body.version) })
			});
			return { status: 201, body: shown(machine) };
		}),
		route('POST', '/file', (request) => {
			const body = jsonBody(request);
			const machine = machineOf(body);
			const path = text(body.path) ?? '/etc/cloudflared/config.yml';
			const content = text(body.content);
			if (content === undefined) delete machine.files[path];
			else {
				const mode = machine.files[path]?.mode ?? '644';
				machine.files[path] = { content, mode, changedMs: kernel.clock.nowMs() };
			}
			cloudflaredDocument(kernel).changed();
			return { status: 200, body: shown(machine) };
		}),
		route('POST', '/log', (request) => {
			const body = jsonBody(request);
			const machine = machineOf(body);
			const unit = machine.units[text(body.unit) ?? 'cloudflared'];
			if (!unit) throw new ApiError(404, 1, 'no such unit');
			const level = body.level === 'ERR' || body.level === 'WRN' ? body.level : 'INF';
			const times = typeof body.times === 'number' ? body.times : 1;
			for (let count = 0; count < times; count += 1)
				logged(kernel, machine, unit, level, text(body.text) ?? 'a line');
			return { status: 200, body: { index: machine.lastIndex } };
		})
	];
}

function shown({ node, vmid, version, files, units }: Machine) {
	return {
		node,
		vmid,
		version,
		files: Object.fromEntries(Object.entries(files).map(([path, { content }]) => [path, content])),
		units: Object.values(units).map(({ name, active, tunnelId, rules }) => ({
			name,
			active,
			tunnel_id: tunnelId,
			ingress: rules
		}))
	};
}
