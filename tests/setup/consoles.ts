import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { afterAll } from 'vitest';
import { startListening, stopListening } from '#lib/core/listen.server.ts';
import {
	CONSOLE_PATH,
	CONSOLE_PROTOCOL,
	TICKET_PREFIX
} from '#lib/infrastructure/console/consoleProtocol.ts';
import { type ConsoleOptions, startConsoles } from '#lib/infrastructure/console/consoles.server.ts';
import { ORIGIN } from './live.ts';
import { eventually } from './queue.ts';

/** A browser's end of a console, which shows what it gets at once. */
export class Screen {
	readonly socket: WebSocket;
	/** Everything that was written. */
	text = '';
	bytes = 0;
	/** Which way it went, once it is open. */
	via: string | null = null;
	/** Why it ended, once it has. */
	ended: string | null = null;
	/** False: what comes is not said to be shown. */
	reads = true;

	constructor(socket: WebSocket) {
		this.socket = socket;
		socket.on('message', (data: Buffer, isBinary) => {
			if (!isBinary) {
				this.via = JSON.parse(String(data)).open;
				return;
			}
			this.bytes += data.length;
			this.text += data.toString('utf8');
			if (this.reads) this.say({ taken: data.length });
		});
		socket.once('close', (_code, reason) => {
			this.ended = String(reason);
		});
	}

	say(message: object): void {
		this.socket.send(JSON.stringify(message));
	}

	type(text: string | Buffer): void {
		this.socket.send(Buffer.from(text));
	}

	async sees(text: string): Promise<void> {
		await eventually(async () => this.text.includes(text));
	}

	async ends(): Promise<string> {
		return eventually(async () => this.ended);
	}
}

/** A server of its own with consoles behind it, as src/server.ts makes them; closed after the last test of the file. */
export async function testConsoles(options: ConsoleOptions = {}) {
	await startListening();
	const consoles = startConsoles(options);
	const server = createServer((_, response) => response.writeHead(404).end());
	server.on('upgrade', (request, socket, head) => {
		if (!consoles.upgrade(request, socket, head)) socket.destroy();
	});
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	const { port } = server.address() as AddressInfo;
	const opened: WebSocket[] = [];
	afterAll(async () => {
		for (const socket of opened) socket.terminate();
		await consoles.stop();
		server.close();
		await stopListening();
	});

	const dial = (cookie: string, ticket: string, origin = ORIGIN): WebSocket => {
		const protocols = [CONSOLE_PROTOCOL, `${TICKET_PREFIX}${ticket}`];
		const socket = new WebSocket(`ws://127.0.0.1:${port}${CONSOLE_PATH}`, protocols, {
			headers: { origin, cookie }
		});
		socket.on('error', () => {});
		opened.push(socket);
		return socket;
	};
	return {
		stop: consoles.stop,
		/** The HTTP status with which an upgrade ends; 101 when it became a socket. */
		status: (cookie: string, ticket: string, origin?: string): Promise<number> =>
			new Promise((done) => {
				const socket = dial(cookie, ticket, origin);
				socket.once('open', () => done(101));
				socket.once('unexpected-response', (_, { statusCode }) => done(statusCode ?? 0));
			}),
		/** A console on a screen of 80 × 24, as far as it gets. */
		open: async (cookie: string, ticket: string): Promise<Screen> => {
			const screen = new Screen(dial(cookie, ticket));
			await new Promise<void>((done, fail) => {
				screen.socket.once('open', done);
				screen.socket.once('error', fail);
			});
			screen.say({ resize: { cols: 80, rows: 24 } });
			return screen;
		}
	};
}
