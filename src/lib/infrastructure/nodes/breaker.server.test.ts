import { beforeEach, describe, expect, it } from 'vitest';
import { after, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { testContainers } from '../../../../tests/setup/containers.ts';
import { moveReservation } from '../placement/placement.server.ts';
import { breakerPatience } from './breakerPatience.ts';
import { proxmoxOn } from './clients.server.ts';
import { checkNodes } from './nodes.server.ts';
import { sshOn } from './sshPool.server.ts';

const { sandbox, pve } = await testContainers({ work: false });
const node = (name: string) => db.node.findFirstOrThrow({ where: { name } });
const woken = async () => {
	const rows = await db.$queryRaw<{ count: bigint }[]>`
		SELECT count(*) FROM pgboss.job WHERE name = 'provisioning.capacity-appeared'`;
	return Number(rows[0]!.count);
};
/** Calls that Proxmox has seen, by what they ask for. */
const seen = (match: string) => sandbox.kernel.calls.list({ vendor: 'proxmox', match }).length;
const ONCE = { target: 'proxmox' as const, times: 1 };
const PVE2 = await node('pve2');
const WELL = { misses: 0, haltedAt: null, haltedBy: null };
// A pause ends when a test says so.
breakerPatience.pauseMs = 600_000;

beforeEach(async () => {
	sandbox.kernel.faults.clear();
	sandbox.kernel.calls.clear();
	pve.setOnline('pve2', true);
	await db.node.updateMany({ data: WELL });
	await db.node.update({ where: { id: PVE2.id }, data: { sshPort: PVE2.sshPort } });
});

describe('the breaker', () => {
	const ask = async () => (await proxmoxOn(PVE2.id, {})).nodeTime('pve2');
	/** The pause is over. */
	const pauseOver = () =>
		db.node.update({ where: { id: PVE2.id }, data: { probedUntil: after(now(), -1) } });

	it('halts at the first connection that fails, after which nothing is sent', async () => {
		pve.setOnline('pve2', false);
		const client = await proxmoxOn(PVE2.id, {});
		await expect(client.nodeTime('pve2')).rejects.toMatchObject({ kind: 'unreachable' });
		expect(await node('pve2')).toMatchObject({ haltedBy: 'api', haltedAt: expect.any(Date) });
		pve.setOnline('pve2', true);
		sandbox.kernel.calls.clear();
		// Whoever held the connection already, and whoever comes now; and SSH, since the node is down.
		for (const call of [() => client.nodeTime('pve2'), ask])
			await expect(call()).rejects.toMatchObject({
				...{ kind: 'unreachable', retryable: true, ambiguous: false },
				message: expect.stringContaining('is not asked since')
			});
		const { client: ssh, release } = await sshOn(PVE2.id);
		await expect(ssh.exec(['pct', 'list'])).rejects.toMatchObject({ kind: 'unreachable' });
		release();
		expect(seen('.')).toBe(0);
	});

	it('lets one probe through after a pause, and everybody once that was answered; who waits is woken', async () => {
		pve.setOnline('pve2', false);
		await expect(ask()).rejects.toThrow();
		await pauseOver();
		// A probe that fails halts for another pause.
		await expect(ask()).rejects.toMatchObject({ message: 'The node could not be reached' });
		await expect(ask()).rejects.toThrow('is not asked since');
		pve.setOnline('pve2', true);
		await pauseOver();
		const before = await woken();
		sandbox.kernel.calls.clear();
		sandbox.kernel.faults.add({ ...ONCE, match: '/time', kind: 'delay', ms: 400 });
		const outcomes = await Promise.allSettled(Array.from({ length: 5 }, ask));
		expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
		expect(seen('/time')).toBe(1);
		expect(await node('pve2')).toMatchObject(WELL);
		expect(await woken()).toBe(before + 1);
		await Promise.all(Array.from({ length: 5 }, ask));
		expect(seen('/time')).toBe(6);
	});

	it('is opened by the look of every minute', async () => {
		pve.setOnline('pve2', false);
		await expect(ask()).rejects.toThrow();
		pve.setOnline('pve2', true);
		await checkNodes();
		expect(await node('pve2')).toMatchObject(WELL);
		await ask();
	});

	it('takes no answer for a failure of the connection, be it as bad as it may', async () => {
		for (const status of [500, 401, 595]) {
			sandbox.kernel.faults.add({ ...ONCE, times: 3, match: '/time', kind: 'status', status });
			await expect(ask()).rejects.toThrow();
			sandbox.kernel.faults.clear();
			expect(await node('pve2')).toMatchObject(WELL);
		}
	});

	it('of SSH alone leaves the API open', async () => {
		await db.node.update({ where: { id: PVE2.id }, data: { sshPort: 9 } });
		const { client, release } = await sshOn(PVE2.id);
		await expect(client.exec(['pct', 'list'])).rejects.toMatchObject({ kind: 'unreachable' });
		await expect(client.exec(['pct', 'list'])).rejects.toThrow('is not asked since');
		release();
		expect(await node('pve2')).toMatchObject({ haltedBy: 'ssh' });
		await ask();
		expect(await node('pve2')).toMatchObject({ haltedBy: 'ssh' });
	});

	it('keeps reservations from moving to a node that is halted', async () => {
		const [pve1, pve3] = [await node('pve1'), await node('pve3')];
		const row = await db.container.create({
			data: {
				...{ clusterId: pve1.clusterId, nodeId: PVE2.id, vmid: 777, hostname: 'wants-a-place' },
				...{ purpose: 'odoo', cpuCores: 2, ramMb: 2048, diskGb: 10 }
			}
		});
		await db.node.update({
			where: { id: pve1.id },
			data: { haltedAt: now(), haltedBy: 'api' }
		});
		expect(await moveReservation(db, row.id)).toBe('pve3');
		await db.node.update({ where: { id: pve3.id }, data: { misses: 1 } });
		await db.container.update({ where: { id: row.id }, data: { nodeId: PVE2.id } });
		expect(await moveReservation(db, row.id)).toBeNull();
	});

	it('moves one with a second node while its own is out of service, not while it is down', async () => {
		const nodes = await db.node.findMany();
		await db.node.updateMany({ data: { haltedAt: null, haltedBy: null, misses: 0 } });
		await db.nodeStorage.createMany({
			data: nodes.map(({ id }) => ({
				...{ nodeId: id, storage: 'ceph', type: 'rbd', content: ['rootdir'], shared: true },
				...{ active: true, totalGb: 3000, usedGb: 0, seenAt: now() }
			})),
			skipDuplicates: true
		});
		const haNodeId = (await node('pve1')).id;
		const { id } = await db.container.findFirstOrThrow({ where: { vmid: 777 } });
		const pair = { nodeId: PVE2.id, haNodeId };
		await db.container.update({ where: { id }, data: pair });
		const move = async (status: 'offline' | 'maintenance') => {
			await db.node.update({ where: { id: PVE2.id }, data: { status } });
			return moveReservation(db, id);
		};
		// Of the two that are left none could go on alone.
		expect(await move('offline')).toBeNull();
		expect(await db.container.findUnique({ where: { id } })).toMatchObject(pair);
		expect(await move('maintenance')).toMatch(/^pve[13]$/);
		const moved = await db.container.findUniqueOrThrow({ where: { id } });
		expect(new Set([PVE2.id, moved.nodeId, moved.haNodeId]).size).toBe(3);
	});
});
