import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import { afterAll } from 'vitest';
import { startListening, stopListening } from '#lib/core/listen.server.ts';
import { type HubOptions, startHub } from '#lib/identity/hub.server.ts';
import { eventually } from './queue.ts';

export const ORIGIN = 'http://localhost:4443';

/** A browser's end of a socket: what came in, in order. */
export interface Page {
	received: unknown[];
	/** Close code, once it is closed. */
	closed: number | null;
	send(message: unknown): void;
	/** Sends `subscribe` and waits for the answer. */
	subscribe(topic: string): Promise<unknown>;
	/** Waits until `count` notices of the topic have come. */
	notices(topic: string, count: number): Promise<unknown[]>;
	socket: WebSocket;
}

/** A server of its own with a hub behind it, as src/server.ts makes them; closed after the last test of the file. */
export async function testHub(options: HubOptions = {}) {
	await startListening();
	const hub = startHub(options);
	const server = createServer((_, response) => response.writeHead(404).end());
	server.on('upgrade', (request, socket, head) => hub.upgrade(request, socket, head));
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	const { port } = server.address() as AddressInfo;
	const opened: WebSocket[] = [];
	afterAll(async () => {
		for (const socket of opened) socket.terminate();
		hub.stop();
		server.close();
		await stopListening();
	});

	const connect = (
		headers: Record<string, string> = {},
		path = '/live',
		options: ClientOptions = {}
	): WebSocket => {
		const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
			...options,
			headers: { origin: ORIGIN, ...headers }
		});
		socket.on('error', () => {});
		opened.push(socket);
		return socket;
	};

	return {
		connect,
		/** The HTTP status with which an upgrade ends; 101 when it became a socket. */
		status: (headers: Record<string, string> = {}, path?: string): Promise<number> =>
			new Promise((done) => {
				const socket = connect(headers, path);
				socket.once('open', () => done(101));
				socket.once('unexpected-response', (_, response) => done(response.statusCode ?? 0));
			}),
		/** Opens a socket that keeps what it receives. */
		open: async (cookie?: string, headers: Record<string, string> = {}): Promise<Page> => {
			const socket = connect({ ...headers, ...(cookie && { cookie }) });
			const page: Page = {
				received: [],
				closed: null,
				socket,
				send: (message) =>
					socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
				subscribe: async (topic) => {
					page.send({ subscribe: topic });
					return eventually(async () =>
						page.received.find(
							(one) => says(one, 'subscribed', topic) || says(one, 'refused', topic)
						)
					);
				},
				notices: (topic, count) =>
					eventually(async () => {
						const found = page.received.filter((one) => says(one, 'topic', topic));
						return found.length >= count && found;
					})
			};
			socket.on('message', (data) => page.received.push(JSON.parse(String(data))));
			socket.once('close', (code) => {
				page.closed = code;
			});
			await new Promise<void>((done, fail) => {
				socket.once('open', done);
				socket.once('error', fail);
			});
			return page;
		}
	};
}

function says(message: unknown, key: string, value: string): boolean {
	return typeof message === 'object' && message !== null && Reflect.get(message, key) === value;
}
