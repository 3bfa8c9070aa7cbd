import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveVendor, type SandboxRequest, type VendorServer } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { serveContainers } from '../odoo/http.ts';
import { failure, routesOf, type Operation } from './api.ts';
import { nodeCertificate } from './certificate.ts';
import { clusterOf, type Cluster } from './cluster.ts';
import { Consoles } from './console.ts';
import { UNAUTHORIZED_MS } from './durations.ts';
import { clusterOperations } from './operations-cluster.ts';
import { configOperations } from './operations-config.ts';
import { haOf } from './ha.ts';
import { haOperations } from './operations-ha.ts';
import { lxcOperations } from './operations-lxc.ts';
import { moveOperations } from './operations-move.ts';
import { nodeOperations } from './operations-node.ts';
import { replicationOperations } from './operations-replication.ts';
import { storageOperations } from './operations-storage.ts';
import { authenticate, type Caller } from './permissions.ts';
import { SANDBOX_TOKEN, type NodeState } from './state.ts';

export interface ProxmoxNodeAccess {
	/** `https://127.0.0.1:port`, without `/api2/json`. */
	url: string;
	/** `user@realm!id=secret` */
	token: string;
	node: string;
	/** SHA-256 of the certificate, `AA:BB:…`. */
	fingerprint: string;
}

export interface ProxmoxStandIn {
	nodes: ProxmoxNodeAccess[];
	close(): Promise<void>;
}

const LARGEST_BODY = 512 * 1024;

/**
 * Starts one HTTPS server per node, and the services inside the containers.
 * @param options.ports one per node in order; 0 or missing takes any free one
 * @param options.dataDir where certificates live; null keeps them in memory
 */
export async function startProxmox(
	kernel: Kernel,
	options: { ports: number[]; dataDir: string | null }
): Promise<ProxmoxStandIn> {
	const cluster = clusterOf(kernel);
	const consoles = new Consoles();
	const operations = [
		...clusterOperations,
		...nodeOperations,
		...lxcOperations,
		...configOperations,
		...moveOperations,
		...storageOperations,
		...haOperations,
		...replicationOperations,
		...consoles.operations
	];
	serveContainers(kernel, cluster);
	haOf(cluster);

	const servers = new Map<string, { server: NodeServer; access: ProxmoxNodeAccess }>();
	const serve = async (node: NodeState, wanted: number): Promise<ProxmoxNodeAccess> => {
		const known = servers.get(node.name);
		if (known) return known.access;
		const listen = listenerOf(kernel, cluster, node, operations, consoles, options.dataDir);
		const server = new NodeServer(listen.listen);
		const port = await server.open(wanted);
		if (!node.online) await server.follow(false);
		cluster.watch((changed) => {
			if (changed.name === node.name) void server.follow(changed.online);
		});
		const access = {
			url: `https://127.0.0.1:${port}`,
			token: `${SANDBOX_TOKEN.id}=${SANDBOX_TOKEN.secret}`,
			node: node.name,
			fingerprint: listen.fingerprint
		};
		servers.set(node.name, { server, access });
		return access;
	};
	cluster.serve(async (node) => {
		const access = await serve(node, 0);
		if (node.joined) node.joined.api = Number(new URL(access.url).port);
		return { proxmox: access };
	});
	const nodes = await Promise.all(
		cluster.state.nodes.map(async (node, index) => ({
			joined: node.joined !== undefined,
			access: await serve(node, node.joined?.api ?? options.ports[index] ?? 0)
		}))
	);
	return {
		nodes: nodes.flatMap(({ joined, access }) => (joined ? [] : [access])),
		close: async () => {
			consoles.close();
			await Promise.all([...servers.values()].map(({ server }) => server.close()));
		}
	};
}

/** How one node's HTTPS server is opened on a port, with the certificate that it shows. */
function listenerOf(
	kernel: Kernel,
	cluster: Cluster,
	node: NodeState,
	operations: Operation[],
	consoles: Consoles,
	dataDir: string | null
): { listen: (port: number) => Promise<VendorServer>; fingerprint: string } {
	const certificate = nodeCertificate(dataDir && join(dataDir, 'tls'), node.name);
	const callers = new WeakMap<SandboxRequest, Caller>();
	const callerOf = (request: SandboxRequest): Caller => {
		const caller = callers.get(request);
		if (!caller) throw new Error('a route ran without its caller');
		return caller;
	};
	const routes = routesOf(cluster, node.name, callerOf, operations);
	const listen = (port: number): Promise<VendorServer> =>
		serveVendor(kernel, 'proxmox', routes, {
			port,
			tls: { key: certificate.key, cert: certificate.cert },
			before: async (request) => {
				const bodyless = request.method === 'GET' || request.method === 'DELETE';
				if (
					(bodyless && request.body.length > 0) ||
					request.headers['transfer-encoding'] ||
					request.body.length > LARGEST_BODY
				) {
					return {
						status: 501,
						reason: 'not implemented',
						headers: { connection: 'close' },
						body: ''
					};
				}
				const caller = authenticate(cluster, request.headers.authorization);
				if (caller) {
					callers.set(request, caller);
					return null;
				}
				await sleep(UNAUTHORIZED_MS * kernel.speed);
				const reason = request.headers.authorization ? 'invalid token value!' : 'No ticket';
				return { status: 401, reason, headers: { connection: 'close' }, body: '' };
			},
			notFound: (request) => ({
				status: 501,
				reason: `Method '${request.method} ${request.path.replace(/^\/api2\/json/, '')}' not implemented`,
				headers: { connection: 'close' },
				body: { data: null }
			}),
			onError: failure,
			upgrade: (request, socket, head) => consoles.upgrade(cluster, request, socket, head)
		});
	return { listen, fingerprint: certificate.fingerprint };
}

/** A server that stops listening while its node is down, and comes back on the same port. */
export class NodeServer {
	readonly #listen: (port: number) => Promise<{ port: number; close(): Promise<void> }>;
	#port = 0;
	#open: { close(): Promise<void> } | null = null;
	#closed = false;
	/** Openings and closings, one after the other. */
	#last: Promise<void> = Promise.resolve();

	constructor(listen: (port: number) => Promise<{ port: number; close(): Promise<void> }>) {
		this.#listen = listen;
	}

	async open(port: number): Promise<number> {
		const server = await this.#listen(port);
		this.#open = server;
		this.#port = server.port;
		return this.#port;
	}

	follow(online: boolean): Promise<void> {
		this.#last = this.#last.then(async () => {
			if (online && !this.#open && !this.#closed) await this.open(this.#port);
			else if (!online && this.#open) {
				const server = this.#open;
				this.#open = null;
				await server.close();
			}
		});
		return this.#last;
	}

	/** For good: no power switch brings it back. */
	close(): Promise<void> {
		this.#closed = true;
		return this.follow(false);
	}
}
