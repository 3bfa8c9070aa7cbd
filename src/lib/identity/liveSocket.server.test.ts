import { describe, expect, test } from 'vitest';
import '../jobs/live.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { createMember, createStaff, sessionFor } from '../../../tests/factories/identity.ts';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testHub } from '../../../tests/setup/live.ts';
import { eventually } from '../../../tests/setup/queue.ts';

await testDatabase();
// The address of a visitor is what this proxy wrote, so that each test comes from another one.
process.env.TRUSTED_PROXIES = '127.0.0.1';
const { open, status } = await testHub();

const say = (topic: string, id?: string) => transaction((tx) => publish(tx, topic, id));

describe('at the door', () => {
	test('another origin, none, another path and what is no address are turned away', async () => {
		const { cookie } = await sessionFor(await createMember());
		expect(await status({ cookie, origin: 'https://acme.sajet.us' })).toBe(403);
		expect(await status({ cookie, origin: 'null' })).toBe(403);
		expect(await status({ cookie, origin: '' })).toBe(403);
		expect(await status({ cookie }, '/console')).toBe(404);
		expect(await status({ cookie })).toBe(101);
	});

	test('a visitor’s address has twenty places, who is logged in others; a closed socket gives its own back', async () => {
		const from = (address: string) => ({ 'x-forwarded-for': address });
		const pages = [];
		for (let n = 0; n < 20; n += 1) pages.push(await open(undefined, from('203.0.113.9')));
		expect(await status(from('203.0.113.9'))).toBe(429);
		// What stands left of it the visitor may have written.
		expect(await status(from('203.0.113.10, 203.0.113.9'))).toBe(429);
		expect(await status(from('203.0.113.11'))).toBe(101);
		const { cookie } = await sessionFor(await createMember());
		expect(await status({ cookie, ...from('203.0.113.9') })).toBe(101);
		for (const page of pages) page.socket.close();
		const again = async () => (await status(from('203.0.113.9'))) === 101;
		expect(await eventually(again)).toBe(true);
	});
});

describe('what a client may send', () => {
	test('a fifty-first subscription is refused, the others stay', async () => {
		const staff = await open((await sessionFor(await createStaff())).cookie);
		const tenants = [];
		for (let n = 0; n < 51; n += 1) tenants.push(await createUnplacedTenant(db));
		const last = tenants[50]!;
		for (const { id } of tenants.slice(0, 50)) staff.send({ subscribe: `admin.tenant:${id}` });
		expect(await staff.subscribe(`admin.tenant:${last.id}`)).toEqual({
			refused: `admin.tenant:${last.id}`,
			error: 'RATE_LIMITED'
		});
		staff.send({ unsubscribe: `admin.tenant:${tenants[0]!.id}` });
		staff.send({ subscribe: `admin.tenant:${last.id}` });
		await eventually(async () =>
			staff.received.find((one) =>
				Object.is(JSON.stringify(one), JSON.stringify({ subscribed: `admin.tenant:${last.id}` }))
			)
		);
		await say(`tenant:${tenants[0]!.id}`);
		await say(`tenant:${last.id}`, last.id);
		await staff.notices(`admin.tenant:${last.id}`, 1);
		expect(staff.received.filter((one) => JSON.stringify(one).includes('"topic"'))).toEqual([
			{ topic: `admin.tenant:${last.id}`, id: last.id }
		]);
	});

	test.each([
		['a message above 1 KiB', 'x'.repeat(1025), 1009],
		['what is no JSON', 'hello', 1008],
		['another message', '{"publish":"me"}', 1008],
		['a field more', '{"subscribe":"me","as":"somebody"}', 1008]
	])('%s closes the socket', async (_, message, code) => {
		const page = await open();
		page.send(message);
		await eventually(async () => page.closed !== null);
		expect(page.closed).toBe(code);
	});

	test('a flood of messages closes the socket', async () => {
		const page = await open();
		for (let n = 0; n < 300; n += 1) page.send({ unsubscribe: 'me' });
		await eventually(async () => page.closed !== null);
		expect(page.closed).toBe(1008);
	});
});

test('a peer that answers no ping is dropped, one that does stays', async () => {
	const { connect } = await testHub({ pingEvery: 100 });
	const [deaf, alive] = [connect({}, '/live', { autoPong: false }), connect()];
	const code = await new Promise((done) => deaf.once('close', done));
	expect([code, alive.readyState]).toEqual([1006, alive.OPEN]);
});
