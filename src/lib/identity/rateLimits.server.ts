import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { env } from '#lib/core/env.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { redis } from '#lib/core/redis.server.ts';

interface Limit {
	points: number;
	/** Seconds in which the points may be used. */
	duration: number;
	/** Seconds of refusal after the last point; as long as the duration lasts when absent. */
	blockDuration?: number;
}

const MINUTES = 60;

/** Every limit of the product by name: so many points per key in so many seconds. */
const LIMITS = {
	// Failed logins alone are counted; a right one gives its point back.
	'login-account': { points: 5, duration: 5 * MINUTES, blockDuration: 15 * MINUTES },
	'login-address': { points: 30, duration: 5 * MINUTES, blockDuration: 15 * MINUTES },
	'step-up': { points: 5, duration: 5 * MINUTES, blockDuration: 15 * MINUTES },
	'reset-account': { points: 3, duration: 60 * MINUTES },
	'reset-address': { points: 20, duration: 60 * MINUTES },
	'token-address': { points: 30, duration: 5 * MINUTES },
	'pay-address': { points: 60, duration: 5 * MINUTES },
	'api-actor': { points: 3_000, duration: MINUTES },
	'api-address': { points: 600, duration: MINUTES }
} satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMITS;

export interface LimitState {
	limit: number;
	remaining: number;
	/** Seconds until the count starts over. */
	resetSeconds: number;
}

const limiters = new Map<LimitName, RateLimiterMemory | RateLimiterRedis>();

/**
 * Takes a point.
 * @throws {AppError} RATE_LIMITED, with the seconds to wait, when none is left
 */
export async function takePoint(name: LimitName, key: string): Promise<LimitState> {
	try {
		return stateOf(name, await limiter(name).consume(key));
	} catch (refusal) {
		if (!(refusal instanceof RateLimiterRes)) throw refusal;
		const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
		throw new AppError('RATE_LIMITED', { params: { seconds }, detail: `${name} of ${key}` });
	}
}

/** Gives one point back: the attempt was a right one. */
export async function returnPoint(name: LimitName, key: string): Promise<void> {
	await limiter(name).reward(key);
}

/** Forgets what was counted. */
export async function clearPoints(name: LimitName, key: string): Promise<void> {
	await limiter(name).delete(key);
}

function stateOf(name: LimitName, result: RateLimiterRes): LimitState {
	return {
		limit: LIMITS[name].points,
		remaining: Math.max(0, result.remainingPoints),
		resetSeconds: Math.max(0, Math.ceil(result.msBeforeNext / 1_000))
	};
}

function limiter(name: LimitName): RateLimiterMemory | RateLimiterRedis {
	const known = limiters.get(name);
	if (known) return known;
	const options = { keyPrefix: `limit:${name}`, ...LIMITS[name] };
	const memory = new RateLimiterMemory(options);
	// Several replicas must count together; one counts in its own memory.
	const made = env.REDIS_URL
		? // A Redis that is away must not lock everybody out, nor let everybody in.
			new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory })
		: memory;
	limiters.set(name, made);
	return made;
}
