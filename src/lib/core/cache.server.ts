import type { z } from 'zod';
import { env } from './env.server.ts';
import { log } from './log.server.ts';
import { redis } from './redis.server.ts';

/** Beyond this the entries that were not asked for longest go; keys are few by design. */
const MOST_ENTRIES = 1_000;

interface Entry {
	text: Promise<string>;
	/** Of `Date.now()`: how long something is kept has nothing to do with the product's time. */
	until: number;
}

const entries = new Map<string, Entry>();

/**
 * A value that may be some seconds old: made once for everybody who asks meanwhile, by the processes that share
 * REDIS_URL together, by each for itself without one. It is kept as JSON and read with `schema` in either case, so that
 * one process behaves as several do (a date needs `z.coerce.date()`).
 * @param seconds how old it may be
 * @throws what `make` throws, which is not kept
 */
export async function cached<T>(
	key: string,
	seconds: number,
	schema: z.ZodType<T>,
	make: () => Promise<T>
): Promise<T> {
	const known = entries.get(key);
	if (known && known.until > Date.now()) return schema.parse(JSON.parse(await known.text));
	const entry: Entry = {
		// What was forgotten while it was made is old already: nobody else is given it.
		text: shared(key, seconds, schema, make, () => entries.get(key) === entry),
		until: Date.now() + seconds * 1_000
	};
	// Inserted anew, so that the order of the map is the order of making.
	entries.delete(key);
	entries.set(key, entry);
	if (entries.size > MOST_ENTRIES) entries.delete(entries.keys().next().value!);
	try {
		return schema.parse(JSON.parse(await entry.text));
	} catch (error) {
		if (entries.get(key) === entry) entries.delete(key);
		throw error;
	}
}

/** Makes the next `cached` of this key make it again: here at once, elsewhere when what they keep is too old. */
export async function forget(key: string): Promise<void> {
	entries.delete(key);
	if (env.REDIS_URL) await withRedis(() => redis.del(redisKey(key)));
}

/** What another process has made, or what this one makes for all. */
async function shared<T>(
	key: string,
	seconds: number,
	schema: z.ZodType<T>,
	make: () => Promise<T>,
	isWanted: () => boolean
): Promise<string> {
	if (!env.REDIS_URL) return JSON.stringify(await make());
	const found = await withRedis(() => redis.get(redisKey(key)));
	// An older version of the product may have left another shape.
	if (found && fits(found, schema)) return found;
	const text = JSON.stringify(await make());
	if (isWanted())
		await withRedis(() => redis.set(redisKey(key), text, 'PX', Math.ceil(seconds * 1_000)));
	return text;
}

function fits(text: string, schema: z.ZodType): boolean {
	try {
		return schema.safeParse(JSON.parse(text)).success;
	} catch {
		// Not even JSON: as good as nothing.
		return false;
	}
}

/** @returns null when Redis is away: then each process makes its own */
async function withRedis<T>(ask: () => Promise<T>): Promise<T | null> {
	try {
		return await ask();
	} catch (error) {
		log.debug({ err: error }, 'the shared cache is passed over');
		return null;
	}
}

function redisKey(key: string): string {
	return `cache:${key}`;
}
