import { setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { type Env, env } from '#lib/core/env.server.ts';
import { onNotice } from '#lib/core/listen.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { log } from '#lib/core/log.server.ts';

/** Beside the declared settings, which it is none of: nobody edits it and no page shows it. */
const KEY = 'sandbox.clock_offset_ms';
const TOPIC = 'sandbox:clock';
/** A process that hears no notices follows after this time. */
const LOOK_EVERY_MS = 2_000;

/** Whether somebody may play with the time here: a demonstration with the sandbox behind it. */
export function isClockMovable(here: Pick<Env, 'APP_ENV' | 'SANDBOX_URL'> = env): boolean {
	return ['demo', 'development'].includes(here.APP_ENV) && here.SANDBOX_URL !== undefined;
}

/**
 * Moves the product's time in every process, this one at once. It stays so over a restart, as the sandbox's own does.
 * @throws {Error} where time is not ours to move
 */
export async function moveSandboxClock(offsetMs: number): Promise<void> {
	if (!isClockMovable()) throw new Error('there is no sandbox whose clock could be followed');
	await transaction(async (tx) => {
		const value = { category: 'sandbox', value: offsetMs };
		await tx.setting.upsert({ where: { key: KEY }, create: { key: KEY, ...value }, update: value });
		await publish(tx, TOPIC);
	});
	setClockOffset(offsetMs);
}

/**
 * Keeps this process at the sandbox's time from now on; elsewhere it does nothing.
 * @returns what ends it
 */
export async function followSandboxClock(): Promise<() => void> {
	if (!isClockMovable()) return () => {};
	const follow = () =>
		look().catch((error: unknown) => log.warn({ err: error }, 'the clock could not be read'));
	await follow();
	const timer = setInterval(follow, LOOK_EVERY_MS).unref();
	const endNotices = onNotice(({ topic }) => {
		if (topic === TOPIC) void follow();
	});
	return () => {
		clearInterval(timer);
		endNotices();
	};
}

async function look(): Promise<void> {
	const row = await db.setting.findUnique({ where: { key: KEY }, select: { value: true } });
	setClockOffset(typeof row?.value === 'number' ? row.value : 0);
}
