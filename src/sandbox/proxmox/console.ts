import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ApiCall, Operation } from './api.ts';
import type { Cluster } from './cluster.ts';
import { died } from './errors.ts';
import { versionOf } from './operations-cluster.ts';
import { containerOf } from './operations-lxc.ts';
import { flag, text } from './parameters.ts';
import { authenticate, requireAny } from './permissions.ts';
import { Terminal } from './terminal.ts';
import { TermproxyReader } from './termproxy.ts';

interface Ticket {
	user: string;
	/** `/nodes/pve1/lxc/101` or `/nodes/pve1` */
	path: string;
	port: number;
	host: string;
	node: string;
	expires: number;
}

const LIFE_MS = 40_000;
/** Output that a reader has not taken yet: the program is held back until it has. */
const LAG_BYTES = 64 * 1024;

/** Terminals over WebSocket: a ticket from `termproxy`, then the socket within 40 s. */
export class Consoles {
	readonly #tickets = new Map<string, Ticket>();
	// Fragments and compression are refused by the real one.
	readonly #sockets = new WebSocketServer({
		noServer: true,
		perMessageDeflate: false,
		maxPayload: 128 * 1024,
		handleProtocols: (offered) => (offered.has('binary') ? 'binary' : false)
	});
	#port = 5900;
	#isWatching = false;
	readonly #nodes = new Map<WebSocket, string>();

	readonly operations: Operation[] = [
		{
			method: 'POST',
			path: '/nodes/:node/lxc/:vmid/termproxy',
			run: (call) => {
				const container = containerOf(call, 'VM.Console');
				if (container.status !== 'running') throw died(`CT ${container.vmid} not running`);
				const path = `/nodes/${container.node}/lxc/${container.vmid}`;
				return this.#open(
					call,
					path,
					String(container.config.hostname ?? container.vmid),
					container.vmid
				);
			}
		},
		{
			method: 'POST',
			path: '/nodes/:node/termproxy',
			rules: { cmd: text, 'cmd-opts': text, upgrade: flag },
			run: (call) => {
				requireAny(call.cluster, call.caller, `/nodes/${call.params.node}`, ['Sys.Console']);
				return this.#open(call, `/nodes/${call.params.node}`, call.params.node!, '');
			}
		}
	];

	#open(call: ApiCall, path: string, host: string, id: number | string): Record<string, unknown> {
		const ticket = `PVEVNC:${call.cluster.now().toString(16).toUpperCase()}::${randomBytes(32).toString('base64')}`;
		this.#port = this.#port >= 5999 ? 5900 : this.#port + 1;
		const user = call.caller.token;
		this.#tickets.set(ticket, {
			user,
			path,
			port: this.#port,
			host,
			node: call.params.node!,
			expires: Date.now() + LIFE_MS
		});
		const upid = call.cluster.tasks.start(call.params.node!, 'vncproxy', id, call.caller, (work) =>
			work.wait(0)
		);
		return { user, ticket, port: String(this.#port), upid };
	}

	upgrade(cluster: Cluster, request: IncomingMessage, socket: Duplex, head: Buffer): void {
		const url = new URL(request.url ?? '/', 'https://node');
		const caller = authenticate(cluster, request.headers.authorization);
		const path = /^\/api2\/json(\/nodes\/.+)\/vncwebsocket$/.exec(url.pathname)?.[1];
		const key = url.searchParams.get('vncticket') ?? '';
		const ticket = this.#tickets.get(key);
		const refused =
			!caller ||
			!ticket ||
			ticket.path !== path ||
			ticket.user !== caller.token ||
			ticket.expires < Date.now() ||
			String(ticket.port) !== url.searchParams.get('port');
		if (refused || !ticket) {
			socket.end(
				'HTTP/1.1 401 permission denied - invalid PVEVNC ticket\r\nConnection: close\r\n\r\n'
			);
			return;
		}
		this.#tickets.delete(key);
		this.#watch(cluster);
		const since = performance.now();
		this.#sockets.handleUpgrade(request, socket, head, (client) => {
			this.#nodes.set(client, ticket.node);
			const seen = { keepalives: 0, input: 0 };
			client.once('close', (code) => {
				this.#nodes.delete(client);
				cluster.kernel.calls.add({
					at: cluster.kernel.clock.nowMs(),
					vendor: 'proxmox',
					line: `WS ${url.pathname.replace(/^\/api2\/json/, '')}`,
					status: code,
					response: JSON.stringify(seen),
					ms: Math.round(performance.now() - since)
				});
			});
			const isOld = isBefore9(cluster, ticket.node);
			serve(client, ticket, isOld ? null : key, seen);
		});
	}

	/** A node that loses its power takes its terminals along. */
	#watch(cluster: Cluster): void {
		if (this.#isWatching) return;
		this.#isWatching = true;
		cluster.watch((node) => {
			if (node.online) return;
			for (const [client, name] of this.#nodes) if (name === node.name) client.terminate();
		});
	}

	close(): void {
		for (const client of this.#sockets.clients) client.terminate();
		this.#sockets.close();
	}
}

function isBefore9(cluster: Cluster, name: string): boolean {
	const node = cluster.state.nodes.find((one) => one.name === name);
	return Number.parseInt(versionOf(node).version, 10) < 9;
}

/**
 * termproxy behind its WebSocket.
 * @param key null: a release that asks a person's ticket of whoever connects, and closes on a token's
 */
function serve(
	client: WebSocket,
	ticket: Ticket,
	key: string | null,
	seen: { keepalives: number; input: number }
): void {
	const reader = new TermproxyReader();
	let terminal: Terminal | null = null;
	const screen = {
		write: (chunk: Buffer) => {
			if (client.readyState !== client.OPEN) return true;
			client.send(chunk, { binary: true }, () => {
				if (client.bufferedAmount <= LAG_BYTES / 2) terminal?.more();
			});
			return client.bufferedAmount <= LAG_BYTES;
		},
		close: () => client.close(1000)
	};
	client.on('error', () => client.terminate());
	client.on('close', () => terminal?.end());
	client.on('message', (raw: Buffer) => {
		if (!terminal) {
			if (key === null || raw.toString('utf8') !== `${ticket.user}:${key}\n`) {
				client.close(1000);
				return;
			}
			client.send(Buffer.from('OK'), { binary: true });
			const banner = `\r\nDebian GNU/Linux 12 ${ticket.host} tty1\r\n\r\n`;
			terminal = new Terminal(ticket.host, screen, banner);
			return;
		}
		try {
			for (const command of reader.read(raw)) {
				if (command.type === 'resize') terminal.resize(command.cols, command.rows);
				else if (command.type === 'keepalive') seen.keepalives += 1;
				else {
					seen.input += command.data.length;
					terminal.type(command.data);
				}
			}
		} catch {
			client.close(1011);
		}
	});
}
