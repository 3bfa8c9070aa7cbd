import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { env } from './env.server.ts';
import { log } from './log.server.ts';
import { redis } from './redis.server.ts';

/** Beyond this the entries that were not asked for longest go; keys are few by design. */
const MOST_ENTRIES = 1_000;

/** A value is not made again sooner than this after it was made, however often it is forgotten meanwhile. */
const REST_MS = 1_000;

interface Entry {
	text: Promise<string>;
	/** Of `Date.now()`: how long something is kept has nothing to do with the product's time. */
	madeAt: number;
	until: number;
	isRenewed: boolean;
}

/** For values that take long to make: who asks is given the old one, and told when there is a new one. */
export interface Meanwhile {
	/** How much older than `seconds` it may be given, and for how long after it was forgotten. */
	seconds: number;
	/** Called after it was made again for who had been given the old one. */
	renewed: () => Promise<void>;
}

const entries = new Map<string, Entry>();
/** What is being made to take the place of an old one. */
const making = new Map<string, Entry>();

/**
 * A value that may be some seconds old: made once for everybody who asks meanwhile, by the processes that share
 * REDIS_URL together, by each for itself without one. It is kept as JSON and read with `schema` in either case, so that
 * one process behaves as several do (a date needs `z.coerce.date()`).
 * @param seconds how old it may be
 * @param meanwhile without it who asks waits for a new one
 * @throws what `make` throws, which is not kept
 */
export async function cached<T>(
	key: string,
	seconds: number,
	schema: z.ZodType<T>,
	make: () => Promise<T>,
	meanwhile?: Meanwhile
): Promise<T> {
	const known = entries.get(key);
	const late = known ? Date.now() - known.until : Infinity;
	if (known && late < 0) return schema.parse(JSON.parse(await known.text));
	const enter = () => {
		const entry: Entry = {
			// What was forgotten while it was made is old already: nobody else is given it.
			text: Promise.resolve().then(() =>
				shared(key, seconds, schema, make, () => entry.until > Date.now())
			),
			madeAt: Date.now(),
			until: Date.now() + seconds * 1_000,
			isRenewed: false
		};
		return entry;
	};
	if (known && meanwhile && late < meanwhile.seconds * 1_000) {
		if (!known.isRenewed) void renew(key, known, enter, meanwhile);
		return schema.parse(JSON.parse(await known.text));
	}
	const entry = enter();
	keep(key, entry);
	try {
		return schema.parse(JSON.parse(await entry.text));
	} catch (error) {
		if (entries.get(key) === entry) entries.delete(key);
		throw error;
	}
}

function keep(key: string, entry: Entry): void {
	// Inserted anew, so that the order of the map is the order of making.
	entries.delete(key);
	entries.set(key, entry);
	if (entries.size > MOST_ENTRIES) entries.delete(entries.keys().next().value!);
}

/** Puts a new value in the place of an old one, which is given until then. */
async function renew(
	key: string,
	old: Entry,
	enter: () => Entry,
	{ renewed }: Meanwhile
): Promise<void> {
	old.isRenewed = true;
	try {
		await sleep(Math.max(old.madeAt + REST_MS - Date.now(), 0), undefined, { ref: false });
		const entry = enter();
		making.set(key, entry);
		await entry.text.finally(() => making.delete(key));
		if (entries.get(key) === old) keep(key, entry);
		await renewed();
	} catch (error) {
		// The old one has its end; who asks then hears of it.
		log.warn({ err: error, key }, 'a kept value was not made again');
		old.isRenewed = false;
	}
}

/** Makes the next `cached` of this key make it again: here at once, elsewhere when what they keep is too old. */
export async function forget(key: string): Promise<void> {
	for (const entry of [entries.get(key), making.get(key)])
		if (entry) entry.until = Math.min(entry.until, Date.now());
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
