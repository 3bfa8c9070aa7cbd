import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { send } from '../../../tests/access/send.ts';
import { createStaff, sessionFor } from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { endpoint } from './endpoint.server.ts';

await testDatabase();

let runs = 0;
const create = endpoint(
	{
		summary: 'Make a thing',
		permission: 'tenants:create',
		body: z.object({ name: z.string() }),
		response: z.object({ id: z.string(), name: z.string() }),
		status: 201
	},
	async ({ body }) => {
		runs++;
		if (body.name === 'taken') throw new AppError('NAME_TAKEN');
		if (body.name === 'broken') throw new Error('broken');
		return { id: String(runs), name: body.name };
	}
);
const staffCookie = async () => (await sessionFor(await createStaff('administrator'))).cookie;
const good = { name: 'acme' };

describe('an Idempotency-Key', () => {
	const keyed = (key: string) => ({ 'idempotency-key': key });

	it('gives the first answer again, refusals included, and runs once', async () => {
		const cookie = await staffCookie();
		const first = await send(create, { cookie, body: good, headers: keyed('k1') });
		const before = runs;
		const again = await send(create, { cookie, body: good, headers: keyed('k1') });
		expect(again.body).toEqual(first.body);
		expect(again.headers.get('idempotent-replayed')).toBe('true');
		const taken = { ...good, name: 'taken' };
		await send(create, { cookie, body: taken, headers: keyed('k2') });
		expect(await send(create, { cookie, body: taken, headers: keyed('k2') })).toMatchObject({
			status: 409,
			body: { error: 'NAME_TAKEN' }
		});
		expect(runs).toBe(before + 1);
	});

	it('conflicts for another body and while the first still runs, and is the own of each actor', async () => {
		const cookie = await staffCookie();
		await send(create, { cookie, body: good, headers: keyed('k3') });
		const other = await send(create, {
			cookie,
			body: { ...good, name: 'other' },
			headers: keyed('k3')
		});
		expect(other).toMatchObject({ status: 409, body: { error: 'IDEMPOTENCY_CONFLICT' } });
		expect(
			await send(create, { cookie: await staffCookie(), body: good, headers: keyed('k3') })
		).toMatchObject({ status: 201 });
		const both = await Promise.all(
			[1, 2].map(() => send(create, { cookie, body: good, headers: keyed('k4') }))
		);
		expect(both.map(({ status }) => status).sort()).toContain(201);
		expect(
			new Set(both.filter(({ status }) => status === 201).map(({ body }) => JSON.stringify(body)))
				.size
		).toBe(1);
	});

	it('is forgotten after a failure of ours and after a day', async () => {
		const cookie = await staffCookie();
		const broken = { ...good, name: 'broken' };
		await send(create, { cookie, body: broken, headers: keyed('k5') });
		const before = runs;
		expect(await send(create, { cookie, body: broken, headers: keyed('k5') })).toMatchObject({
			status: 500
		});
		expect(runs).toBe(before + 1);
		await send(create, { cookie, body: good, headers: keyed('k6') });
		await db.idempotencyKey.updateMany({
			data: { createdAt: new Date(Date.now() - 25 * 3_600_000) }
		});
		expect(
			(await send(create, { cookie, body: good, headers: keyed('k6') })).headers.get(
				'idempotent-replayed'
			)
		).toBeNull();
	});
});
