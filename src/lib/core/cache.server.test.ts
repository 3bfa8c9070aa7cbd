import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

const schema = z.object({ count: z.number(), at: z.coerce.date() });

/** Enough of Redis for GET, SET with PX, and DEL; other commands (ioredis greets with some) get an OK. */
function fakeRedis() {
	const values = new Map<string, string>();
	const commands: string[][] = [];
	const sockets = new Set<Socket>();
	const bulk = (text: string | undefined) =>
		text === undefined ? '$-1\r\n' : `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
	const answer = ([name = '', key = '', value = '']: string[]): string => {
		switch (name.toLowerCase()) {
			case 'get':
				return bulk(values.get(key));
			case 'set':
				values.set(key, value);
				return '+OK\r\n';
			case 'del':
				return `:${Number(values.delete(key))}\r\n`;
			case 'info':
				return bulk('redis_version:7.4.0\r\nloading:0');
			default:
				return '+OK\r\n';
		}
	};
	const server = createServer((socket) => {
		sockets.add(socket);
		let waiting = '';
		socket.on('data', (chunk) => {
			waiting += chunk.toString('utf8');
			for (let parsed = parse(waiting); parsed; parsed = parse(waiting)) {
				waiting = waiting.slice(parsed.length);
				commands.push(parsed.words);
				socket.write(answer(parsed.words));
			}
		});
		socket.on('error', () => sockets.delete(socket));
	});
	return {
		values,
		commands,
		start: () =>
			new Promise<string>((done) =>
				server.listen(0, '127.0.0.1', () =>
					done(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`)
				)
			),
		stop: () => {
			for (const socket of sockets) socket.destroy();
			server.close();
		}
	};
}

/** One command of the Redis protocol from the start of the text; null when it has not come whole. */
function parse(text: string): { words: string[]; length: number } | null {
	const lines = text.split('\r\n');
	const count = /^\*(\d+)$/.exec(lines[0] ?? '')?.[1];
	if (!count || lines.length < 2 * Number(count) + 2) return null;
	const used = lines.slice(0, 2 * Number(count) + 1);
	const words = used.filter((_, index) => index > 0 && index % 2 === 0);
	return { words, length: used.join('\r\n').length + 2 };
}

/** A process of its own, as far as the cache can tell. */
async function newProcess(redisUrl?: string) {
	vi.resetModules();
	if (redisUrl) process.env.REDIS_URL = redisUrl;
	else delete process.env.REDIS_URL;
	const { cached, forget } = await import('./cache.server.ts');
	const { redis } = await import('./redis.server.ts');
	if (redisUrl) await vi.waitFor(() => expect(redis.status).toBe('ready'));
	return { cached, forget, end: () => redis.disconnect() };
}

function counter() {
	let count = 0;
	return async () => ({ count: ++count, at: new Date('2026-11-21T00:00:00Z') });
}

describe('in one process', () => {
	beforeEach(() => vi.resetModules());

	it('makes a value once for all who ask meanwhile, and gives it as the schema reads it', async () => {
		const { cached } = await newProcess();
		const make = counter();
		const ask = () => cached('figures', 60, schema, make);
		const [first, second] = await Promise.all([ask(), ask()]);
		expect(first).toEqual({ count: 1, at: new Date('2026-11-21T00:00:00Z') });
		expect(second).toEqual(first);
		expect(await ask()).toEqual(first);
	});

	it('makes it again when it is too old or was forgotten', async () => {
		const { cached, forget } = await newProcess();
		const make = counter();
		await cached('figures', 0, schema, make);
		expect((await cached('figures', 60, schema, make)).count).toBe(2);
		expect((await cached('figures', 60, schema, make)).count).toBe(2);
		await forget('figures');
		expect((await cached('figures', 60, schema, make)).count).toBe(3);
	});

	it('gives the old value while a new one is made, and says when it is there', async () => {
		const { cached, forget } = await newProcess();
		const make = counter();
		const renewed = vi.fn(() => Promise.resolve());
		const look = async () =>
			(await cached('figures', 60, schema, make, { seconds: 60, renewed })).count;
		expect([await look(), await look()]).toEqual([1, 1]);
		await forget('figures');
		expect(await Promise.all([look(), look(), look()])).toEqual([1, 1, 1]);
		await vi.waitFor(() => expect(renewed).toHaveBeenCalledTimes(1), 5_000);
		expect([await look(), await look()]).toEqual([2, 2]);
	});

	it('makes once more what was forgotten while it was made again', async () => {
		const { cached, forget } = await newProcess();
		const values = [1, 2, 3];
		const second = Promise.withResolvers<void>();
		const make = async () => {
			const count = values.shift()!;
			if (count === 2) {
				await forget('figures');
				second.resolve();
			}
			return { count, at: new Date() };
		};
		const renewed = vi.fn(() => Promise.resolve());
		const look = async () =>
			(await cached('figures', 60, schema, make, { seconds: 60, renewed })).count;
		await look();
		await forget('figures');
		await look();
		await second.promise;
		await vi.waitFor(() => expect(renewed).toHaveBeenCalledTimes(1), 5_000);
		// What was read before the news is better than what was read before that, and old.
		expect(await look()).toBe(2);
		await vi.waitFor(() => expect(renewed).toHaveBeenCalledTimes(2), 5_000);
		expect(await look()).toBe(3);
	});

	it('gives an old value no longer than is allowed, and tries again what failed', async () => {
		const { cached, forget } = await newProcess();
		let isDown = false;
		const make = () =>
			isDown ? Promise.reject(new Error('down')) : Promise.resolve({ count: 1, at: new Date() });
		const look = (seconds: number) =>
			cached('figures', 60, schema, make, { seconds, renewed: () => Promise.resolve() });
		await look(60);
		isDown = true;
		await forget('figures');
		expect((await look(60)).count).toBe(1);
		await expect(look(0)).rejects.toThrow('down');
	});

	it('does not keep a failure', async () => {
		const { cached } = await newProcess();
		const failing = cached('figures', 60, schema, () => Promise.reject(new Error('down')));
		await expect(failing).rejects.toThrow('down');
		expect((await cached('figures', 60, schema, counter())).count).toBe(1);
	});
});

describe('with Redis', async () => {
	const server = fakeRedis();
	const url = await server.start();
	const ends: (() => void)[] = [];
	afterAll(() => {
		for (const end of ends) end();
		server.stop();
		delete process.env.REDIS_URL;
	});
	const join = async () => {
		const joined = await newProcess(url);
		ends.push(joined.end);
		return joined;
	};

	it('shares a value, and forgets it for all', async () => {
		const [one, other] = [await join(), await join()];
		expect((await one.cached('figures', 60, schema, counter())).count).toBe(1);
		const unused = () => Promise.reject(new Error('was made before'));
		const found = await other.cached('figures', 60, schema, unused);
		expect(found.at).toEqual(new Date('2026-11-21T00:00:00Z'));
		expect(server.commands).toContainEqual([
			'set',
			'cache:figures',
			'{"count":1,"at":"2026-11-21T00:00:00.000Z"}',
			'PX',
			'60000'
		]);
		await other.forget('figures');
		expect(server.values.size).toBe(0);
	});

	it('does not share what was forgotten while it was made', async () => {
		const one = await join();
		const made = Promise.withResolvers<{ count: number; at: Date }>();
		const slow = one.cached('slow', 60, schema, () => made.promise);
		// It has asked Redis and waits for the value.
		await vi.waitFor(() => expect(server.commands).toContainEqual(['get', 'cache:slow']));
		await one.forget('slow');
		made.resolve({ count: 1, at: new Date() });
		expect((await slow).count).toBe(1);
		expect(server.values.has('cache:slow')).toBe(false);
	});

	it('passes over a value of another shape', async () => {
		const one = await join();
		server.values.set('cache:figures', '{"amount":1}');
		expect((await one.cached('figures', 60, schema, counter())).count).toBe(1);
	});

	it('goes on alone when Redis is away', async () => {
		const one = await join();
		server.stop();
		expect((await one.cached('others', 60, schema, counter())).count).toBe(1);
		await one.forget('others');
		expect((await one.cached('others', 60, schema, counter())).count).toBe(1);
	});
});
