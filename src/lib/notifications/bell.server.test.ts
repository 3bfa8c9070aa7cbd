import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { asCustomer, db, transaction } from '#lib/core/db.server.ts';
import { createMember, createStaff } from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { markRead, unread, type Viewer } from './bell.server.ts';
import { notify, type NotificationInput } from './notifications.server.ts';
import { notificationSentence } from './sentences.ts';

await testDatabase();

const told = (input: Partial<NotificationInput>) =>
	transaction((tx) =>
		notify(tx, { kind: 'tenant_ready', severity: 'success', data: { slug: 'acme' }, ...input })
	);

async function member(customer?: { id: string }) {
	const { id: userId, customerId } = await createMember('member', customer);
	const viewer: Viewer = { side: 'customer', userId, customerId };
	return {
		userId,
		customerId,
		look: () => asCustomer({ customerId, userId }, (tx) => unread(tx, viewer)),
		mark: (which: string[] | 'all') =>
			asCustomer({ customerId, userId }, (tx) => markRead(tx, viewer, which)),
		scope: { customerId, userId }
	};
}

test('a member hears what its company and itself are told, and reads for nobody else', async () => {
	const ana = await member();
	const luis = await member({ id: ana.customerId });
	const stranger = await member();
	await told({ customerId: ana.customerId });
	await told({ customerId: ana.customerId, userId: luis.userId });
	await told({ customerId: stranger.customerId });
	await told({ permission: 'tenants:read' });

	expect((await ana.look()).unread).toBe(1);
	const seen = await luis.look();
	expect(seen.unread).toBe(2);
	expect(seen.notifications.map(({ sentence }) => sentence)).toContain(
		'La instancia «acme» está lista.'
	);
	const foreign = (await stranger.look()).notifications.map(({ id }) => id);
	expect(await luis.mark(foreign)).toBe(0);
	expect(await luis.mark('all')).toBe(2);
	expect(await luis.look()).toMatchObject({
		unread: 0,
		notifications: [{ read: true }, { read: true }]
	});
	expect((await ana.look()).unread).toBe(1);
	expect((await stranger.look()).unread).toBe(1);
});

test('the database itself refuses to mark what is somebody else’s, or for somebody else', async () => {
	const [ana, other] = [await member(), await member()];
	await told({ customerId: other.customerId });
	await told({ customerId: ana.customerId });
	const theirs = (await other.look()).notifications[0]!.id;
	const mine = (await ana.look()).notifications[0]!.id;
	const write = (notificationId: string, userId: string) =>
		asCustomer(ana.scope, (tx) =>
			tx.notificationRead.createMany({ data: [{ notificationId, userId }] })
		);
	await expect(write(theirs, ana.userId)).rejects.toThrow(/row-level security/);
	await expect(write(mine, other.userId)).rejects.toThrow(/row-level security/);
	expect(await write(mine, ana.userId)).toEqual({ count: 1 });
});

test('staff hear what their role may see, the last thirty days of it', async () => {
	await db.notification.deleteMany({});
	const { id: userId } = await createStaff('finance');
	const look = (permissions: string[]) =>
		unread(db, { side: 'staff', userId, permissions: new Set(permissions) });
	await told({ permission: 'billing:read' });
	await told({ permission: 'provisioning:read' });
	await told({ permission: 'billing:read', dedupeKey: 'old' });
	await db.notification.update({
		where: { dedupeKey: 'old' },
		data: { createdAt: new Date(Date.now() - 31 * 86_400_000) }
	});
	await told({ customerId: (await member()).customerId });
	expect((await look(['billing:read'])).unread).toBe(1);
	expect((await look(['billing:read', 'provisioning:read'])).unread).toBe(2);
	expect((await look([])).unread).toBe(0);
});

test('every kind that the product tells has its sentence', () => {
	const folder = new URL('..', import.meta.url);
	const kinds = new Set<string>();
	for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
		if (!name.endsWith('.server.ts')) continue;
		const source = readFileSync(new URL(name, folder), 'utf8');
		for (const [, rule] of source.matchAll(/\brule: '([a-z.-]+)'/g)) kinds.add(rule!);
		for (const [, kind] of source.matchAll(/notify\(tx, \{[^}]*?\bkind: '([a-z_]+)'/gs))
			kinds.add(kind!);
	}
	expect(kinds.size).toBeGreaterThan(5);
	const unsaid = [...kinds].filter((kind) => notificationSentence(kind, {}).includes(kind));
	expect(unsaid).toEqual([]);
});
