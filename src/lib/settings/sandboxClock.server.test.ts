import { afterEach, expect, it } from 'vitest';
import { clockOffset, HOUR, setClockOffset } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { startListening, stopListening } from '#lib/core/listen.server.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { followSandboxClock, isClockMovable, moveSandboxClock } from './sandboxClock.server.ts';

process.env.SANDBOX_URL = 'http://127.0.0.1:1';
await testDatabase();

afterEach(() => setClockOffset(0));

it('is where it was left when a process starts', async () => {
	await moveSandboxClock(3 * HOUR);
	expect(clockOffset()).toBe(3 * HOUR);
	setClockOffset(0);
	const end = await followSandboxClock();
	end();
	expect(clockOffset()).toBe(3 * HOUR);
});

it('moves other processes along', async () => {
	await startListening();
	const end = await followSandboxClock();
	try {
		await db.setting.update({ where: { key: 'sandbox.clock_offset_ms' }, data: { value: HOUR } });
		expect(await eventually(async () => clockOffset() === HOUR)).toBe(true);
	} finally {
		end();
		await stopListening();
	}
});

it.each([
	['demo', 'http://127.0.0.1:4500', true],
	['development', 'http://127.0.0.1:4500', true],
	['development', undefined, false],
	['preproduction', 'http://127.0.0.1:4500', false],
	['production', 'http://127.0.0.1:4500', false]
] as const)('in %s with the sandbox %s: %s', (APP_ENV, SANDBOX_URL, movable) => {
	expect(isClockMovable({ APP_ENV, SANDBOX_URL })).toBe(movable);
});
