import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import '../jobs/live.server.ts';
import { sign } from '#lib/core/crypto.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { isListening, listeningState } from '#lib/core/listen.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { readiness } from '#lib/core/readiness.server.ts';
import { createMember, createStaff, sessionFor } from '../../../tests/factories/identity.ts';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testHub } from '../../../tests/setup/live.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { logout } from './login.server.ts';
import {
	accessChanged,
	resolveSession,
	revokeSessions,
	switchCustomer
} from './sessions.server.ts';

await testDatabase();
const { open } = await testHub();

/** A tenant with an owner who is logged in. */
async function owned() {
	const tenant = await createUnplacedTenant(db);
	const owner = await createMember('owner', { id: tenant.customerId });
	return { tenant, owner, session: await sessionFor(owner) };
}

const say = (topic: string, id?: string) => transaction((tx) => publish(tx, topic, id));

async function authOf(token: string) {
	const resolved = await resolveSession(token);
	if (!resolved) throw new Error('the session is gone');
	return resolved.auth;
}

describe('who hears what', () => {
	test('a notice reaches the owner and staff, without data, and no other customer', async () => {
		const { tenant, session } = await owned();
		const other = await owned();
		const staff = await open((await sessionFor(await createStaff('support'))).cookie);
		const mine = await open(session.cookie);
		const theirs = await open(other.session.cookie);
		const topic = `portal.tenant:${tenant.id}`;

		expect(await mine.subscribe(topic)).toEqual({ subscribed: topic });
		expect(await staff.subscribe(`admin.tenant:${tenant.id}`)).toEqual({
			subscribed: `admin.tenant:${tenant.id}`
		});
		expect(await theirs.subscribe(topic)).toEqual({ refused: topic, error: 'NOT_FOUND' });
		expect(await theirs.subscribe('portal.customer')).toEqual({ subscribed: 'portal.customer' });

		const before = mine.received.length;
		await say(`tenant:${tenant.id}`, tenant.id);
		await say(`customer:${other.tenant.customerId}`, other.tenant.id);
		await staff.notices(`admin.tenant:${tenant.id}`, 1);
		await theirs.notices('portal.customer', 1);
		await mine.notices(topic, 1);
		expect(mine.received.slice(before)).toEqual([{ topic, id: tenant.id }]);
		expect(theirs.received).not.toContainEqual(expect.objectContaining({ topic }));
	});

	test('what is not there and what is no id are refused as what is somebody else’s', async () => {
		const page = await open((await owned()).session.cookie);
		for (const topic of [
			'portal.tenant:01999999-0000-7000-8000-000000000000',
			'portal.tenant:x',
			'portal.tenant',
			'nothing',
			'admin.tenants'
		]) {
			expect(await page.subscribe(topic)).toEqual({ refused: topic, error: 'NOT_FOUND' });
		}
	});

	test('staff without the permission and visitors are refused', async () => {
		const finance = await open((await sessionFor(await createStaff('finance'))).cookie);
		expect(await finance.subscribe('admin.nodes')).toEqual({
			refused: 'admin.nodes',
			error: 'FORBIDDEN'
		});
		expect(await finance.subscribe('admin.dashboard')).toEqual({ subscribed: 'admin.dashboard' });
		const visitor = await open();
		for (const topic of ['me', 'admin.tenants', 'portal.customer', 'admin.notifications']) {
			expect(await visitor.subscribe(topic)).toEqual({ refused: topic, error: 'NOT_LOGGED_IN' });
		}
	});

	test('a signup is heard by who holds its cookie or belongs to its company, and its tenant’s steps follow', async () => {
		const { tenant, session } = await owned();
		const plan = await db.plan.findFirstOrThrow({ where: { replacedAt: null } });
		const typed = { companyName: 'Acme', fullName: 'Ana', email: 'ana@example.com' };
		const signup = await db.signup.create({
			data: { ...typed, planId: plan.id, slug: tenant.slug, customerId: tenant.customerId }
		});
		const topic = `signup:${signup.id}`;
		const holder = await open(`signup=${encodeURIComponent(sign(signup.id, 'signup'))}`);
		const owner = await open(session.cookie);
		expect(await holder.subscribe(topic)).toEqual({ subscribed: topic });
		expect(await owner.subscribe(topic)).toEqual({ subscribed: topic });

		const bare = await open();
		expect(await bare.subscribe(topic)).toMatchObject({ refused: topic });
		const forged = await open(`signup=${signup.id}.${'A'.repeat(43)}`);
		expect(await forged.subscribe(topic)).toMatchObject({ refused: topic });
		const stranger = await open((await owned()).session.cookie);
		expect(await stranger.subscribe(topic)).toEqual({ refused: topic, error: 'NOT_FOUND' });

		await db.signup.update({ where: { id: signup.id }, data: { tenantId: tenant.id } });
		await say(topic, signup.id);
		await holder.notices(topic, 1);
		await say(`tenant:${tenant.id}`, tenant.id);
		expect(await holder.notices(topic, 2)).toContainEqual({ topic, id: tenant.id });
	});
});

describe('access that ends', () => {
	test('a session that is revoked or logged out closes its sockets and no others', async () => {
		const { owner, session } = await owned();
		const second = await sessionFor(owner);
		const third = await sessionFor(owner);
		const [one, two, three] = [
			await open(session.cookie),
			await open(second.cookie),
			await open(third.cookie)
		];
		await one.subscribe('me');
		await logout(await authOf(second.token));
		await eventually(async () => two.closed !== null);
		await one.notices('me', 1);
		expect([one.closed, two.closed, three.closed]).toEqual([null, 4401, null]);
		await transaction((tx) => revokeSessions(tx, owner.id, session.id));
		await eventually(async () => three.closed !== null);
		expect([one.closed, three.closed]).toEqual([null, 4401]);
	});

	test('a role that is taken away ends the topics that needed it', async () => {
		const staff = await createStaff('operations');
		const page = await open((await sessionFor(staff)).cookie);
		await page.subscribe('admin.nodes');
		await page.subscribe('admin.tenants');
		const { id: staffRoleId } = await db.role.findUniqueOrThrow({
			where: { kind_key: { kind: 'staff', key: 'finance' } }
		});
		await transaction(async (tx) => {
			await tx.user.update({ where: { id: staff.id }, data: { staffRoleId } });
			await accessChanged(tx, staff.id);
			// In the same commit: the socket is asked before it is told.
			await publish(tx, 'staff:nodes', 'n');
			await publish(tx, 'staff:tenants', 't');
		});
		await page.notices('admin.tenants', 1);
		expect(page.received).toContainEqual({ refused: 'admin.nodes', error: 'FORBIDDEN' });
		expect(page.received).not.toContainEqual(expect.objectContaining({ topic: 'admin.nodes' }));
	});

	test('a session that works for another company now hears of that one alone', async () => {
		const { owner, tenant, session } = await owned();
		const other = await owned();
		const { roleId } = await db.membership.findFirstOrThrow({ where: { userId: owner.id } });
		await db.membership.create({
			data: { userId: owner.id, customerId: other.tenant.customerId, roleId }
		});
		const page = await open(session.cookie);
		await page.subscribe('portal.customer');
		const auth = await authOf(session.token);
		await transaction((tx) => switchCustomer(tx, auth, other.tenant.customerId));
		await page.notices('portal.customer', 1);
		const before = page.received.length;
		await say(`customer:${tenant.customerId}`, tenant.id);
		await say(`customer:${other.tenant.customerId}`, other.tenant.id);
		await page.notices('portal.customer', 2);
		expect(page.received.slice(before)).toEqual([
			{ topic: 'portal.customer', id: other.tenant.id }
		]);
	});
});

test('a burst on one topic is passed on once', async () => {
	const { tenant, session } = await owned();
	const page = await open(session.cookie);
	const topic = `portal.tenant:${tenant.id}`;
	await page.subscribe(topic);
	await transaction(async (tx) => {
		for (const id of ['a', 'b', 'c']) await publish(tx, `tenant:${tenant.id}`, id);
		await publish(tx, `customer:${tenant.customerId}`, 'd');
	});
	await page.notices(topic, 1);
	await sleep(150);
	expect(page.received.filter((one) => JSON.stringify(one).includes('"topic"'))).toEqual([
		{ topic }
	]);
});

test('a change between loading a page and subscribing is told at once', async () => {
	const { tenant, session } = await owned();
	const topic = `portal.tenant:${tenant.id}`;
	const watcher = await open(session.cookie);
	await watcher.subscribe(topic);
	await say(`tenant:${tenant.id}`, tenant.id);
	await watcher.notices(topic, 1);

	const late = await open(session.cookie);
	late.send({ subscribe: topic, age: 30_000 });
	expect(await late.notices(topic, 1)).toEqual([{ topic }]);
	const fresh = await open(session.cookie);
	await fresh.subscribe(topic);
	await sleep(150);
	expect(fresh.received).toEqual([{ subscribed: topic }]);
});

test('when PostgreSQL drops the connection, readiness says so, and every page hears of the gap', async () => {
	const page = await open((await owned()).session.cookie);
	await page.subscribe('me');
	expect((await readiness([])).checks.live).toBe('ok');
	// Nobody can log in for a moment, so that the loss can be seen.
	const [row] = await db.$queryRaw<{ name: string }[]>`SELECT current_database() AS name`;
	await db.$executeRawUnsafe(`ALTER DATABASE ${row!.name} CONNECTION LIMIT 0`);
	await db.$queryRaw`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name LIKE 'erp-core live%' AND datname = current_database()`;
	await eventually(async () => listeningState() === 'lost');
	expect((await readiness([])).checks.live).toMatch(/LISTEN/);
	expect((await readiness([])).ready).toBe(false);
	await db.$executeRawUnsafe(`ALTER DATABASE ${row!.name} CONNECTION LIMIT -1`);
	await eventually(async () => isListening());
	await eventually(async () => page.received.some((one) => JSON.stringify(one) === '{"gap":true}'));
	await say('user:somebody-else');
	await page.subscribe('portal.customer');
	expect(page.closed).toBeNull();
});

test('what ended without a word is found out by the regular check', async () => {
	const hub = await testHub({ checkEvery: 200 });
	const { owner, session, tenant } = await owned();
	const other = await sessionFor(owner);
	const [page, kept] = [await hub.open(session.cookie), await hub.open(other.cookie)];
	await kept.subscribe(`portal.tenant:${tenant.id}`);
	await db.session.delete({ where: { id: session.id } });
	await eventually(async () => page.closed !== null);
	expect([page.closed, kept.closed]).toEqual([4401, null]);
	await db.membership.deleteMany({ where: { userId: owner.id } });
	await eventually(async () => kept.closed !== null);
	expect(kept.closed).toBe(4401);
});
