import { join } from 'node:path';
import { startAcme } from './acme/server.ts';
import { startCloudflare } from './cloudflare/server.ts';
import { startConsole } from './console/server.ts';
import { startDns } from './dns/server.ts';
import { startEdge } from './edge/server.ts';
import { Kernel } from './kernel/kernel.ts';
import { clusterOf } from './proxmox/cluster.ts';
import { type ClusterSize, enlarge } from './proxmox/large.ts';
import { startProxmox } from './proxmox/server.ts';
import { startSmtp } from './smtp/server.ts';
import { startSsh } from './ssh/server.ts';
import { startStripe } from './stripe/server.ts';

export interface SandboxOptions {
	/** Folder of the state; null keeps it in memory. */
	dataDir: string | null;
	/** Factor on every simulated latency: 1 is as slow as the real thing, 0 is at once. */
	speed: number;
	/** First of thirteen ports, see README.md; 0 takes any free ones. */
	basePort: number;
	/** Origin of the application: receives Stripe's webhooks at `/webhooks/stripe`, and clock moves. */
	appUrl?: string;
	/** Starts with a cluster of this size instead of three empty nodes, to measure on. */
	cluster?: ClusterSize;
}

export interface Vendors {
	stripe: { url: string; key: string; webhook_secret: string };
	/** `url` ends in `/client/v4`. */
	cloudflare: {
		url: string;
		token: string;
		account_id: string;
		zone_id: string;
		tunnel_id: string;
	};
	edge: string;
	/** `token` is `user@realm!id=secret`; `fingerprint` is SHA-256 of the certificate. */
	proxmox: { url: string; token: string; node: string; fingerprint: string }[];
	ssh: {
		node: string;
		host: string;
		port: number;
		user: string;
		key_path: string;
		host_key: string;
	}[];
	dns: { host: string; port: number };
	smtp: { host: string; port: number };
	/** `directory` is the address of the certificate authority's directory (RFC 8555). */
	acme: { directory: string };
}

export interface Sandbox {
	/** Console and control API. */
	url: string;
	kernel: Kernel;
	vendors: Vendors;
	close(): Promise<void>;
}

/** Starts every stand-in. What was started is closed again when one of them fails. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
	const { dataDir, appUrl } = options;
	const kernel = new Kernel({ dataDir, speed: options.speed });
	if (options.cluster) enlarge(clusterOf(kernel), options.cluster);
	const closers: (() => Promise<void>)[] = [];
	const started = async <T extends { close(): Promise<void> }>(
		starting: Promise<T>
	): Promise<T> => {
		const running = await starting;
		closers.unshift(() => running.close());
		return running;
	};
	const close = async (): Promise<void> => {
		for (const end of closers.splice(0)) await end();
		kernel.store.flush();
	};
	const port = (index: number): number => (options.basePort === 0 ? 0 : options.basePort + index);
	const files = dataDir ? join(dataDir, 'files') : null;
	try {
		const cloudflare = await started(startCloudflare(kernel, { port: port(2) }));
		const edge = await started(startEdge(kernel, { port: port(3) }));
		const dns = await started(startDns(kernel, { port: port(4) }));
		const smtp = await started(startSmtp(kernel, { port: port(5) }));
		const proxmox = await started(
			startProxmox(kernel, { ports: [port(6), port(7), port(8)], dataDir: files })
		);
		const ssh = await started(
			startSsh(kernel, { ports: [port(9), port(10), port(11)], dataDir: files })
		);
		const acme = await started(startAcme(kernel, { port: port(12), edgeUrl: edge.url }));
		const stripe = await started(startStripe(kernel, { port: port(1), appUrl }));
		const vendors: Vendors = {
			stripe: { url: stripe.url, key: stripe.key, webhook_secret: stripe.webhook_secret },
			cloudflare: {
				url: cloudflare.url,
				token: cloudflare.token,
				account_id: cloudflare.accountId,
				zone_id: cloudflare.zoneId,
				tunnel_id: cloudflare.tunnelId
			},
			edge: edge.url,
			proxmox: proxmox.nodes,
			ssh: ssh.nodes,
			dns: { host: dns.host, port: dns.port },
			smtp: { host: smtp.host, port: smtp.port },
			acme: { directory: acme.directory }
		};
		const console = await started(
			startConsole(kernel, { port: port(0), appUrl, vendors, stripe, smtp })
		);
		return { url: console.url, kernel, vendors, close };
	} catch (error) {
		await close();
		throw error;
	}
}
