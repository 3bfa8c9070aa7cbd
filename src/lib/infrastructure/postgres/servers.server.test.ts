import { describe, expect, it } from 'vitest';
import { decrypt } from '#lib/core/crypto.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { placeTenant } from '../../../../tests/setup/containers.ts';
import { dyingAt } from '../../../../tests/setup/deaths.ts';
import {
	askForServer,
	choose,
	made,
	odooOnly,
	onServer,
	wish
} from '../../../../tests/setup/databaseServers.ts';
import { staff, testTemplates } from '../../../../tests/setup/templates.ts';
import type { Wish } from '../containers/actForms.ts';
import { askForAct } from '../containers/acts.server.ts';
import { destroyContainer, ensureContainer } from '../containers/containers.server.ts';
import { odooIn } from '../containers/odooClient.server.ts';
import { nodeFigures } from '../nodes/figures.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';
import { explainCapacity, placementRules } from '../placement/placement.server.ts';
import { rejectionSentence } from '../placement/rejections.ts';
import { bestServer, passwordContext, roleFor, templateSuffix } from './names.ts';
import { requestRemoval } from './removeServer.server.ts';
import { giveUpServer, requestServer, retryServer } from './requestServer.server.ts';
import './serverJobs.server.ts';
import { readyServers } from './servers.server.ts';
import { serverView } from './serverView.server.ts';
import { watchServers } from './watchServers.server.ts';

const { sandbox, pve } = await testTemplates();
const row = (id: string) => db.container.findUniqueOrThrow({ where: { id } });
type Placed = Awaited<ReturnType<typeof placeTenant>>;
const ready = ({ run, place }: Placed) =>
	eventually(async () => (await ensureContainer(run, place.containerId)).ready, 60);
const gone = ({ run, place, tenantId }: Placed) =>
	destroyContainer(run, place.containerId, { tenantId });

it('the nearest server is taken, then the one that is promised least', () => {
	const servers = [
		{ containerId: 'a', nodeId: 'n1', load: 30, free: 60 },
		{ containerId: 'b', nodeId: 'n2', load: 2, free: 200 },
		{ containerId: 'c', nodeId: 'n2', load: 1, free: 60 }
	];
	const on = (cpuCores: number) =>
		['n1', 'n2', 'n3'].map((node) => bestServer(servers, node, { cpuCores, ramMb: 65_536 }));
	expect(on(2)).toEqual(['a', 'c', 'c']);
	// Those that have no connections left for one so large are passed over.
	expect(on(4)).toEqual(['b', 'b', 'b']);
	expect(on(32)).toEqual([null, null, null]);
});

it('a life: made, used by containers of their own roles, let go by them, destroyed', async () => {
	const template = await odooOnly();
	await expect(choose(template)).rejects.toMatchObject({ code: 'WRONG_STATE' });
	const figures = async () => (await nodeFigures(db)).find(({ name }) => name === 'pve1')!;
	const before = await figures();

	const id = await askForServer();
	const server = await made(id, 'succeeded');
	expect(server).toMatchObject({ status: 'running', purpose: 'postgres', odooVersion: null });
	expect((await figures()).committed.diskGb).toBe(before.committed.diskGb + 20);
	const pools = await db.addressPool.findMany({ where: { clusterId: server.clusterId } });
	expect(pve.guests.get(server.vmid)).toMatchObject({
		...{ kind: 'postgres', active: false },
		server: { roles: {}, networks: pools.map(({ network }) => network) }
	});
	expect(pve.state.containers[server.vmid]!.config.onboot).toBe(1);

	// It takes connections for the memory that it was started with, and for more only once it has started again.
	const connections = async (act: Wish) => {
		await transaction((tx) => askForAct(tx, id, act, staff));
		const unfinished = { containerId: id, status: { not: 'succeeded' as const } };
		await eventually(async () => (await db.containerAct.count({ where: unfinished })) === 0, 60);
		const [ready] = await readyServers(db, server.clusterId);
		return [ready!.free, (await serverView(db, { ...(await row(id)), served: [] }))!.connections];
	};
	const both = { cpu_cores: 2, disk_gb: 20 };
	const restart: Wish = { act: 'restart', timeout_seconds: 5, force: false };
	const now = { promised: 0, most: 184, mostAfterRestart: 287 };
	expect(await connections({ act: 'resize', ram_mb: 6144, ...both })).toEqual([184, now]);
	expect(await connections({ act: 'start' })).toEqual([184, now]);
	expect(await connections(restart)).toEqual([287, { ...now, most: 287 }]);
	expect(await connections({ act: 'resize', ram_mb: 4096, ...both })).toMatchObject([184, {}]);

	await choose(template);
	const [one, other] = [await placeTenant(), await placeTenant('shared')];
	await ready(one);
	await ready(other);
	// With less memory it would take fewer connections than those two were promised.
	const less = { act: 'resize', cpu_cores: 2, ram_mb: 1024, disk_gb: 20 } as const;
	await expect(transaction((tx) => askForAct(tx, id, less, staff))).rejects.toMatchObject({
		fields: { ram_mb: expect.stringContaining('80') }
	});
	const { vmid, ip, containerId } = one.place;
	const role = roleFor(containerId);
	expect(await row(containerId)).toMatchObject({ postgresContainerId: id, postgresRole: role });
	const suffix = templateSuffix(containerId);
	expect(onServer(pve, server.vmid).owned(role)).toEqual([
		`tpl_18_en${suffix}`,
		`tpl_18_es${suffix}`
	]);
	expect(Object.keys(pve.guests.get(vmid)!.databases)).toEqual([]);

	// What it logs in with is in our books encrypted, and nowhere else that anybody reads.
	const secret = await db.containerSecret.findUniqueOrThrow({ where: { containerId } });
	const password = decrypt(secret.postgresPassword, passwordContext(containerId));
	expect(pve.guests.get(server.vmid)!.server!.roles[role]).toBe(password);
	const [written] = await db.$queryRaw<{ count: number }[]>`
		SELECT (SELECT count(*) FROM vendor_calls c WHERE c::text LIKE ${`%${password}%`})
			+ (SELECT count(*) FROM log_entries l WHERE l::text LIKE ${`%${password}%`})
			+ (SELECT count(*) FROM audit_log a WHERE a::text LIKE ${`%${password}%`}) AS count`;
	expect(Number(written!.count)).toBe(0);
	expect(
		sandbox.kernel.calls
			.list({ vendor: 'ssh' })
			.map(({ line }) => line)
			.join()
	).not.toContain(password);

	const [client, stranger] = [
		await odooIn(containerId, {}),
		await odooIn(other.place.containerId, {})
	];
	await client.duplicateTemplate(`tpl_18_es${suffix}`, 'lejos');
	await client.takeWriting('lejos');
	expect((await client.lackedRights('lejos')).length).toBeGreaterThan(0);
	await client.duplicateTemplate(`tpl_18_en${suffix}`, 'fugaz');
	expect(await client.dropDatabase('fugaz')).toBe(true);
	expect(await client.listDatabases()).toContain('lejos');
	expect(await stranger.listDatabases()).not.toContain('lejos');
	const shared = await sshOn(other.place.nodeId);
	const psql = [
		'psql',
		'-X',
		'-h',
		server.ipAddress!,
		'-U',
		roleFor(other.place.containerId),
		'-At'
	];
	const entered = await shared.client.pctExec(other.place.vmid, [
		...['runuser', '-u', 'odoo', '--', ...psql, '-d', 'lejos', '-c', 'select 1']
	]);
	expect(entered).toMatchObject({ code: 2, stderr: expect.stringContaining('permission denied') });
	shared.release();
	await client.close();
	await stranger.close();
	expect(ip).not.toBe(server.ipAddress);

	const refusal = transaction((tx) => requestRemoval(tx, id, staff));
	await expect(refusal).rejects.toMatchObject({
		fields: { confirm: expect.stringContaining(`CT ${vmid}`) }
	});

	// One cause, told once: the server stands still.
	const alerts = () =>
		db.alert.findMany({ where: { rule: 'infrastructure.database-server-down', subjectId: id } });
	await db.container.update({ where: { id }, data: { status: 'stopped' } });
	await watchServers();
	await watchServers();
	expect(await alerts()).toMatchObject([{ closedAt: null, data: { count: 2 } }]);
	const rules = await placementRules();
	const wanted = { isolation: 'dedicated', cpuCores: 1, ramMb: 512, diskGb: 5 } as const;
	const why = async (isolation: 'dedicated' | 'dedicated_ha') =>
		(await explainCapacity(db, { ...wanted, isolation }, rules)).nodes[0]!.reasons;
	expect(await why('dedicated')).toEqual([{ code: 'database_server' }]);
	expect(rejectionSentence({ code: 'database_server' }, 'es')).toContain(
		'servidor de bases de datos'
	);
	await db.container.update({ where: { id }, data: { status: 'running' } });
	await watchServers();
	expect((await alerts())[0]!.closedAt).not.toBeNull();
	expect(await why('dedicated')).toEqual([]);
	await db.container.update({ where: { id }, data: { ramMb: 1024 } });
	expect(await why('dedicated')).toEqual([{ code: 'database_server_full' }]);
	await db.container.update({ where: { id }, data: { ramMb: server.ramMb } });
	expect(await why('dedicated_ha')).toContainEqual({ code: 'ha_databases' });

	// Dies after the role is gone, and before anybody noted it.
	expect(await dyingAt(sandbox.kernel, dropOf(role), () => gone(one))).toBe(true);
	expect(await gone(one)).toBe(true);
	expect(await gone(other)).toBe(true);
	expect(onServer(pve, server.vmid)).toMatchObject({ roles: [], all: [] });
	expect(await db.containerSecret.count()).toBe(0);

	await transaction((tx) => requestRemoval(tx, id, staff));
	await eventually(async () => (await row(id)).status === 'deleted');
	expect(pve.state.containers[server.vmid]).toBeUndefined();
	expect(await db.ipAddress.count({ where: { containerId: id } })).toBe(0);
});

/** The command that takes a role away. */
function dropOf(role: string): Parameters<typeof dyingAt>[1] {
	const only = (_line: string, input: string) => input.includes(`drop role if exists "${role}"`);
	return { target: 'ssh', match: 'psql', when: 'after', only };
}

describe('what fails', () => {
	it('a step that fails for good waits for staff, who try again or give it up, and then nothing is left', async () => {
		const broken = { target: 'ssh', match: 'bash -s -- postgresql', kind: 'status' } as const;
		sandbox.kernel.faults.add({ ...broken, status: 100, body: 'E: mirror away', times: 99 });
		const id = await askForServer({ name: 'pg-broken' });
		const { vmid, createdByJobId } = await made(id, 'failed');
		const step = await db.provisioningStep.findFirstOrThrow({
			where: { jobId: createdByJobId!, status: 'failed' }
		});
		expect(step).toMatchObject({
			name: 'postgresql',
			error: expect.stringContaining('mirror away')
		});
		await expect(transaction((tx) => requestRemoval(tx, id, staff))).rejects.toMatchObject({
			code: 'BAD_INPUT'
		});
		sandbox.kernel.faults.clear();
		await transaction((tx) => retryServer(tx, id, staff));
		await made(id, 'succeeded');
		await expect(transaction((tx) => giveUpServer(tx, id, staff))).rejects.toMatchObject({
			code: 'WRONG_STATE'
		});
		await transaction((tx) => requestRemoval(tx, id, staff));
		await eventually(async () => (await row(id)).status === 'deleted');
		expect(pve.state.containers[vmid]).toBeUndefined();

		sandbox.kernel.faults.add({ ...broken, status: 100, body: 'E: mirror away', times: 99 });
		const lost = await askForServer({ name: 'pg-lost' });
		const { vmid: there } = await made(lost, 'failed');
		expect(pve.state.containers[there]).toBeDefined();
		await transaction((tx) => giveUpServer(tx, lost, staff));
		await made(lost, 'compensated');
		expect(pve.state.containers[there]).toBeUndefined();
		expect(await row(lost)).toMatchObject({ status: 'deleted' });
	});

	it('no room and a name that is taken are refused beside their fields, and nothing is taken', async () => {
		const count = await db.container.count();
		const ask = async (changes: Record<string, string>) => {
			const wanted = await wish(changes);
			return transaction((tx) => requestServer(tx, wanted, staff));
		};
		await expect(ask({ ram_mb: '262144' })).rejects.toMatchObject({
			fields: { node_id: expect.stringContaining('pve1') }
		});
		await expect(ask({ name: 'tpl-odoo-18' })).rejects.toMatchObject({
			fields: { name: expect.any(String) }
		});
		expect(await db.container.count()).toBe(count);
	});

	it('a worker that dies at any call while it attaches: another one ends it, with one role', async () => {
		const template = await db.template.findFirstOrThrow({ where: { kind: 'odoo_only' } });
		const id = await askForServer({ name: 'pg-deaths' });
		const server = await made(id, 'succeeded');
		if (!template.current) await choose(template.id);
		const placed = await placeTenant();
		const { containerId } = placed.place;
		const calls = [
			'postgresql --kind postgres',
			'role --kind postgres',
			'role --version',
			'config --version',
			'service --version',
			'databases --version'
		];
		for (const [index, call] of calls.entries()) {
			const when = index % 2 ? 'before' : 'after';
			const dying = () => ready(placed);
			expect([
				call,
				await dyingAt(sandbox.kernel, { target: 'ssh', match: `-- ${call}`, when }, dying)
			]).toEqual([call, true]);
		}
		// Its server stands still for a while: that is said, and waited for.
		await db.container.update({ where: { id }, data: { status: 'stopped' } });
		expect(await ensureContainer(placed.run, containerId)).toMatchObject({
			...{ ready: false, reason: 'database_server' }
		});
		await db.container.update({ where: { id }, data: { status: 'running' } });
		await ready(placed);
		expect(onServer(pve, server.vmid)).toMatchObject({ roles: [roleFor(containerId)] });
		expect(onServer(pve, server.vmid).owned(roleFor(containerId))).toHaveLength(2);
		const client = await odooIn(containerId, {});
		expect(await client.healthy()).toBe(true);
		await client.close();
		// Forgotten, not destroyed: whoever looks at the servers each minute finds what it left.
		await db.container.update({ where: { id: containerId }, data: { status: 'deleted' } });
		await transaction((tx) => enqueue(tx, 'infrastructure.watch-database-servers', {}));
		await eventually(async () => (await db.containerSecret.count()) === 0);
		expect(onServer(pve, server.vmid)).toMatchObject({ roles: [], all: [] });
	});
});
