import { env } from './env.server.ts';

let offsetMs = 0;

/** The product's time. Rules take `at`; jobs take it from here. */
export function now(): Date {
	return new Date(Date.now() + offsetMs);
}

/**
 * Moves the product's time, so that the sandbox can play months in minutes.
 * @throws {Error} in production, where time is not ours to move
 */
export function setClockOffset(milliseconds: number): void {
	if (env.APP_ENV === 'production') throw new Error('the clock is fixed in production');
	offsetMs = milliseconds;
}

export function clockOffset(): number {
	return offsetMs;
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** `at` moved by milliseconds. */
export function after(at: Date, milliseconds: number): Date {
	return new Date(at.getTime() + milliseconds);
}
