import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import { VendorBusy } from '#lib/integrations/errors.ts';
import { db, transaction } from './db.server.ts';
import { AppError } from './errors.ts';
import { compensateSaga, defineSaga, startSaga } from './saga.server.ts';
import { busyWait } from './sagaPatience.ts';
import './sagaRunner.server.ts';

await testDatabase();
await testQueue({ work: true });

const waits: string[] = [];
let run: () => Promise<void> = async () => {};
let undo: () => Promise<void> = async () => {};
const saga = defineSaga({
	name: 'tests.ask',
	topic: 'test',
	state: z.object({}),
	retryWindow: async () => null,
	steps: [{ name: 'ask', attempts: 1, run: () => run(), undo: () => undo() }],
	onWaiting: async (_tx, _run, reason) => void waits.push(reason)
});
const busy = (retryAfterMs: number) =>
	new VendorBusy({ vendor: 'cloudflare', retryAfterMs, isPaused: true });
const start = () =>
	transaction((tx) =>
		startSaga(tx, saga, { subjectId: randomUUID(), customerId: null, state: {} })
	);
const ended = (id: string, status: string) =>
	eventually(async () => {
		const job = await db.provisioningJob.findUniqueOrThrow({
			where: { id },
			include: { steps: true }
		});
		return job.status === status && job;
	});

beforeEach(() => {
	waits.length = 0;
	run = async () => {};
	undo = async () => {};
});

it('a vendor that takes no more calls is waited for, however often, and that is no try', async () => {
	let asked = 0;
	run = async () => {
		asked += 1;
		if (asked < 3) throw busy(1);
	};
	const id = await start();
	const waiting = await ended(id, 'waiting');
	expect(waiting.steps[0]!.message).toMatchObject({
		code: 'vendor_busy',
		params: { vendor: 'Cloudflare' }
	});
	const job = await ended(id, 'succeeded');
	expect(asked).toBe(3);
	expect(waits).toEqual(['vendor_busy', 'vendor_busy']);
	expect(job.steps[0]!.attempts).toBe(1);
});

it('so does what is undone', async () => {
	let asked = 0;
	undo = async () => {
		asked += 1;
		if (asked < 3) throw busy(1);
	};
	run = async () => {
		throw new Error('for good');
	};
	const id = await start();
	await ended(id, 'failed');
	await transaction((tx) => compensateSaga(tx, id, 'given up'));
	const job = await ended(id, 'compensated');
	expect(asked).toBe(3);
	expect(job.steps[0]!.status).toBe('undone');
});

it('waits as long as was asked, between a second and ten minutes', () => {
	expect(busyWait(busy(45_000))?.wait).toBe(45);
	expect(busyWait(busy(0))?.wait).toBe(1);
	expect(busyWait(busy(86_400_000))?.wait).toBe(600);
	expect(busyWait(new Error('no'))).toBeNull();
	expect(busyWait(new AppError('NO_QUORUM'))).toMatchObject({ reason: 'no_quorum', wait: 15 });
});
