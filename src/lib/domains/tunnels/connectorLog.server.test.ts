import { beforeEach, expect, test } from 'vitest';
import { TUNNEL_ID } from '../../../sandbox/cloudflare/state.ts';
import { testCloudflared } from '../../../sandbox/cloudflared/testing.ts';
import { logged } from '../../../sandbox/cloudflared/state.ts';
import { testContainers } from '../../../../tests/setup/containers.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { onNotice } from '#lib/core/listen.server.ts';
import { breakerPatience } from '#lib/infrastructure/nodes/breakerPatience.ts';
import { forgetHost, keepLines, logLines, logTopic, watchLog } from './connectorLog.server.ts';
import './followLog.server.ts';
import { setHost } from './tunnelActs.server.ts';
import { tunnelHostForm } from './tunnelForms.ts';
import { SYSTEM } from '../../logs/audit.server.ts';

const { sandbox, pve } = await testContainers({ work: true });
const { kernel } = sandbox;
// A page asks again and again; here each word is said once.
breakerPatience.pauseMs = 0;
let tunnelId = '';
let there: Awaited<ReturnType<typeof testCloudflared>>;
const ALL = { level: 'debug', q: '', lines: 500 } as const;
const texts = async (query: Parameters<typeof logLines>[2] = ALL) =>
	(await logLines(db, tunnelId, query)).map(({ text }) => text);
const host = () => db.tunnelHost.findUnique({ where: { tunnelId } });
const place = () => db.tunnel.findUniqueOrThrow({ where: { id: tunnelId } });
const says = (level: 'INF' | 'WRN' | 'ERR', text: string) =>
	logged(kernel, there.machine(), there.machine().units.cloudflared!, level, text);
const isFollowed = () => eventually(async () => (await host())?.followedFrom);
const isLeft = () => eventually(async () => (await host())?.followedFrom === null);

beforeEach(async () => {
	kernel.faults.clear();
	pve.setOnline('pve1', true);
	there = await testCloudflared(kernel, { node: 'pve1', vmid: null }, { source: 'cloudflare' });
	const node = await db.node.findFirstOrThrow({ where: { name: 'pve1' } });
	const { id } = await db.tunnel.findFirstOrThrow({ where: { cloudflareId: TUNNEL_ID } });
	tunnelId = id;
	await db.tunnel.update({ where: { id }, data: { hostNodeId: node.id, hostVmid: null } });
	await db.tunnelHost.updateMany({ where: { tunnelId }, data: { watchedUntil: null } });
	await eventually(async () => !(await host())?.followedFrom);
	await db.tunnelLogLine.deleteMany({});
	await db.tunnelHost.deleteMany({});
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name LIKE 'tunnels.%'`;
});

/** The viewer has left: what an expired word comes to. */
const leave = () =>
	db.tunnelHost.update({ where: { tunnelId }, data: { watchedUntil: new Date(0) } });

test('who looks sees what was there and what comes, once, and is told', async () => {
	const told: string[] = [];
	const end = onNotice(({ topic }) => told.push(topic));
	await watchLog(tunnelId);
	await eventually(async () => (await texts()).some((text) => text.startsWith('Registered')));
	says('ERR', 'Unable to reach the origin service');
	await eventually(async () => (await texts()).at(-1) === 'Unable to reach the origin service');
	expect(told).toContain(logTopic(tunnelId));
	expect(await host()).toMatchObject({ version: '2026.10.1', state: 'active', trouble: null });
	await leave();
	await isLeft();
	says('INF', 'while nobody looks');
	await watchLog(tunnelId);
	await eventually(async () => (await texts()).includes('while nobody looks'));
	const all = await texts();
	expect(all.filter((text) => text === 'Unable to reach the origin service')).toHaveLength(1);
	end();
	await leave();
	await isLeft();
});

test('level and search narrow the lines', async () => {
	await watchLog(tunnelId);
	await isFollowed();
	says('WRN', 'Slow QUIC handshake');
	says('ERR', 'Request failed');
	says('INF', 'All quiet');
	await eventually(async () => (await texts()).includes('All quiet'));
	expect(await texts({ ...ALL, level: 'warning' })).toEqual([
		'Slow QUIC handshake',
		'Request failed'
	]);
	expect(await texts({ ...ALL, q: 'QUIC HAND' })).toEqual(['Slow QUIC handshake']);
	expect(await texts({ ...ALL, lines: 1 })).toEqual(['All quiet']);
	await leave();
	await isLeft();
});

test('a flood is cut, and it is said how much', async () => {
	await watchLog(tunnelId);
	await isFollowed();
	await eventually(async () => (await texts()).length > 0);
	for (let n = 0; n < 2_000; n += 1) says('INF', `flood ${n}`);
	const cut = await eventually(() =>
		db.tunnelLogLine.findFirst({ where: { tunnelId, cursor: null } })
	);
	expect(Number(cut.text)).toBeGreaterThan(100);
	expect(await db.tunnelLogLine.count({ where: { tunnelId } })).toBeLessThan(1_500);
	await leave();
	await isLeft();
});

test('of one tunnel no more lines are kept than anybody looks at', async () => {
	const at = new Date();
	const lines = Array.from({ length: 2_500 }, (_, n) => ({
		...{ cursor: `c${n}`, at, level: 'info' as const, text: `line ${n}` }
	}));
	await keepLines(await place(), lines, 0);
	expect(await db.tunnelLogLine.count({ where: { tunnelId } })).toBe(2_000);
	expect((await texts()).at(-1)).toBe('line 2499');
});

test('a way there that ends in the middle is noted with when it last answered, and taken up again', async () => {
	await watchLog(tunnelId);
	await isFollowed();
	pve.setOnline('pve1', false);
	const lost = await eventually(async () => {
		const row = await host();
		return row?.trouble ? row : null;
	});
	expect(lost).toMatchObject({ trouble: 'lost', reachedAt: expect.any(Date) });
	await isLeft();
	await watchLog(tunnelId);
	await eventually(async () => (await host())?.trouble === 'unreachable');
	expect((await host())!.reachedAt).toEqual(lost.reachedAt);
	pve.setOnline('pve1', true);
	await watchLog(tunnelId);
	await isFollowed();
	expect(await host()).toMatchObject({ trouble: null });
	await leave();
	await isLeft();
});

test('a tunnel without a host of ours says so', async () => {
	await db.tunnel.update({ where: { id: tunnelId }, data: { hostNodeId: null } });
	await watchLog(tunnelId);
	await eventually(async () => (await host())?.trouble === 'no_host');
	expect(await texts()).toEqual([]);
});

test('of a host that was changed nothing is known, and it is looked at', async () => {
	await keepLines(await place(), [{ cursor: 'x', at: new Date(), level: 'info', text: 'old' }], 0);
	await transaction((tx) => forgetHost(tx, tunnelId));
	const seen = await eventually(async () => {
		const row = await host();
		return row?.version ? row : null;
	});
	expect(seen).toMatchObject({ version: '2026.10.1', state: 'active' });
	expect(await texts()).toEqual([]);
});

test('who looks while the place changes sees the new one, and nothing of the old', async () => {
	await watchLog(tunnelId);
	await isFollowed();
	const was = await place();
	const other = await testCloudflared(
		kernel,
		{ node: 'pve2', vmid: null },
		{ source: 'cloudflare' }
	);
	const node = await db.node.findFirstOrThrow({ where: { name: 'pve2' } });
	await transaction((tx) =>
		setHost(tx, tunnelId, tunnelHostForm.parse({ host_node_id: node.id }), SYSTEM)
	);
	says('ERR', 'said at the old place');
	await keepLines(was, [{ cursor: 'o', at: new Date(), level: 'info', text: 'late' }], 0);
	// The page asks again every few seconds.
	await eventually(async () => {
		await watchLog(tunnelId);
		return (await host())?.followedFrom;
	}, 20);
	const { cloudflared } = other.machine().units;
	logged(kernel, other.machine(), cloudflared!, 'ERR', 'said at the new place');
	await eventually(async () => (await texts()).at(-1) === 'said at the new place');
	const all = await texts();
	expect(all).not.toContain('said at the old place');
	expect(all).not.toContain('late');
	await leave();
	await isLeft();
});
