import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveVendor, type SandboxRequest, type VendorServer } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { serveContainers } from '../odoo/http.ts';
import { failure, routesOf } from './api.ts';
import { nodeCertificate } from './certificate.ts';
import { clusterOf } from './cluster.ts';
import { Consoles } from './console.ts';
import { UNAUTHORIZED_MS } from './durations.ts';
import { clusterOperations } from './operations-cluster.ts';
import { configOperations } from './operations-config.ts';
import { lxcOperations } from './operations-lxc.ts';
import { moveOperations } from './operations-move.ts';
import { nodeOperations } from './operations-node.ts';
import { storageOperations } from './operations-storage.ts';
import { authenticate, type Caller } from './permissions.ts';
import { SANDBOX_TOKEN } from './state.ts';

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
		...consoles.operations
	];
	serveContainers(kernel, cluster);

	const servers = await Promise.all(
		cluster.state.nodes.map(async (node, index) => {
			const certificate = nodeCertificate(
				options.dataDir && join(options.dataDir, 'tls'),
				node.name
			);
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
			const server = new NodeServer(listen);
			const port = await server.open(options.ports[index] ?? 0);
			if (!node.online) await server.follow(false);
			cluster.watch((changed) => {
				if (changed.name === node.name) void server.follow(changed.online);
			});
			return {
				server,
				access: {
					url: `https://127.0.0.1:${port}`,
					token: `${SANDBOX_TOKEN.id}=${SANDBOX_TOKEN.secret}`,
					node: node.name,
					fingerprint: certificate.fingerprint
				}
			};
		})
	);
	return {
		nodes: servers.map(({ access }) => access),
		close: async () => {
			consoles.close();
			await Promise.all(servers.map(({ server }) => server.close()));
		}
	};
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
