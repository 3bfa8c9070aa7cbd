import { isIPv4 } from 'node:net';
import { ApiError, controlRoute, jsonBody } from '../cloudflare/envelope.ts';
import type { Route } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { clusterOf } from '../proxmox/cluster.ts';
import { machineAt, MAIN, newMachine, nginxDocument, readFile, type Machine } from './state.ts';

/** What happens to an nginx without the product: it is installed somewhere, stopped, started. */
export function nginxControlRoutes(kernel: Kernel): Route[] {
	const route = controlRoute('/__sandbox/nginx');
	const placeOf = (body: Record<string, unknown>) => ({
		node: typeof body.node === 'string' ? body.node : '',
		vmid: typeof body.vmid === 'number' ? body.vmid : null
	});
	const machineOf = (body: Record<string, unknown>): Machine => {
		const { node, vmid } = placeOf(body);
		const machine = machineAt(kernel, node, vmid);
		if (!machine) throw new ApiError(404, 1, 'nginx is not installed there');
		return machine;
	};
	return [
		route('GET', '', () => ({
			status: 200,
			body: nginxDocument(kernel).get().machines.map(shown)
		})),
		route('POST', '', (request) => {
			const body = jsonBody(request);
			const { node, vmid } = placeOf(body);
			const { state } = clusterOf(kernel);
			const isThere = vmid === null || state.containers[vmid]?.node === node;
			if (!isThere || !state.nodes.some(({ name }) => name === node))
				throw new ApiError(404, 1, 'no such node or container');
			if (typeof body.address !== 'string' || !isIPv4(body.address))
				throw new ApiError(400, 1, 'address is no IPv4 address');
			const { machines } = nginxDocument(kernel).get();
			if (machineAt(kernel, node, vmid) || machines.some((one) => one.address === body.address))
				throw new ApiError(409, 1, 'there is one at this place or address');
			const machine = newMachine({ node, vmid }, body.address);
			machines.push(machine);
			nginxDocument(kernel).changed();
			return { status: 201, body: shown(machine) };
		}),
		route('POST', '/stop', (request) => {
			const machine = machineOf(jsonBody(request));
			machine.serving = null;
			nginxDocument(kernel).changed();
			return { status: 200, body: shown(machine) };
		}),
		route('POST', '/start', (request) => {
			const machine = machineOf(jsonBody(request));
			machine.serving = { config: readFile(machine, MAIN)?.toString('utf8') ?? '' };
			nginxDocument(kernel).changed();
			return { status: 200, body: shown(machine) };
		})
	];
}

function shown({ node, vmid, address, version, serving }: Machine): object {
	return { node, vmid, address, version, running: serving !== null };
}
