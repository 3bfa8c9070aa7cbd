import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ApiCall, Operation } from './api.ts';
import type { Cluster } from './cluster.ts';
import { died } from './errors.ts';
import { containerOf } from './operations-lxc.ts';
import { flag, text } from './parameters.ts';
import { authenticate, requireAny } from './permissions.ts';

interface Ticket {
	user: string;
	/** `/nodes/pve1/lxc/101` or `/nodes/pve1` */
	path: string;
	port: number;
	host: string;
	expires: number;
}

const LIFE_MS = 40_000;

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
		this.#sockets.handleUpgrade(request, socket, head, (client) => terminal(client, ticket, key));
	}

	close(): void {
		for (const client of this.#sockets.clients) client.terminate();
		this.#sockets.close();
	}
}

/** A shell that echoes what is typed: enough to see that every byte and every resize arrives. */
function terminal(client: WebSocket, ticket: Ticket, key: string): void {
	let greeted = false;
	let line = '';
	const prompt = `root@${ticket.host}:~# `;
	const write = (data: string) => client.send(Buffer.from(data), { binary: true });
	client.on('message', (raw: Buffer) => {
		const data = raw.toString('utf8');
		if (!greeted) {
			if (data !== `${ticket.user}:${key}\n`) return client.close(1008);
			greeted = true;
			write('OK');
			write(`\r\nDebian GNU/Linux 12 ${ticket.host} tty1\r\n\r\n${prompt}`);
			return;
		}
		const input = /^0:(\d+):([\s\S]*)$/.exec(data);
		if (!input) return;
		for (const key of input[2]!) {
			if (key === '\r' || key === '\n') {
				const command = line.trim();
				line = '';
				if (command === 'exit') return client.close(1000);
				write(`\r\n${command ? answerTo(command, ticket.host) : ''}${prompt}`);
			} else {
				line += key;
				write(key);
			}
		}
	});
}

function answerTo(command: string, host: string): string {
	if (command === 'hostname') return `${host}\r\n`;
	if (command === 'whoami') return 'root\r\n';
	if (command.startsWith('echo ')) return `${command.slice(5)}\r\n`;
	return `-bash: ${command.split(' ')[0]}: command not found\r\n`;
}
