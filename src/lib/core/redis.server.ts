import { Redis } from 'ioredis';
import { env } from './env.server.ts';
import { lazy } from './lazy.ts';
import { log } from './log.server.ts';

/**
 * What several web processes share besides the database. Only where REDIS_URL is set; every user has something to fall
 * back on, since a Redis that is away must not stop the product.
 */
export const redis: Redis = lazy(() => {
	const client = new Redis(env.REDIS_URL ?? '', {
		enableOfflineQueue: false,
		maxRetriesPerRequest: 1
	});
	let away = false;
	client.on('error', (error: Error) => {
		// It tries again for ever; one line says as much as a thousand.
		if (!away) log.warn({ err: error }, 'Redis does not answer');
		away = true;
	});
	client.on('ready', () => (away = false));
	return client;
});
