import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import {
	askForTenantMove,
	confirmTenantMove,
	type TenantMoveRequest
} from '#lib/provisioning/moves/tenants/tenantMoves.server.ts';
import type {
	Isolation,
	MoveStatus,
	Node,
	Tenant,
	TenantMigration
} from '#prisma/generated/client.ts';
import { clusterOf } from '../../src/sandbox/proxmox/cluster.ts';
import { giveAway, type PlanKey } from './buyers.ts';
import { tenantIs } from './money.ts';
import type { TestPlatform } from './platform.ts';
import { eventually } from './queue.ts';

/** A tenant that answers, whose set-up has ended. */
export async function liveTenant(plan: PlanKey, slug: string): Promise<Tenant> {
	const { jobId } = await giveAway(plan, slug);
	return readyTenant(slug, jobId);
}

/** Likewise, once it was given away: many are set up at the same time. */
export async function readyTenant(slug: string, jobId: string): Promise<Tenant> {
	const tenant = await tenantIs(slug, 'active');
	await eventually(
		() => db.provisioningJob.findFirst({ where: { id: jobId, status: 'succeeded' } }),
		60
	);
	return tenant;
}

/** Asks for a move; the worker does it. */
export function move(
	tenant: Tenant,
	to: Omit<TenantMoveRequest, 'tenantId'>
): Promise<TenantMigration> {
	return transaction((tx) => askForTenantMove(tx, { tenantId: tenant.id, ...to }, SYSTEM));
}

/** A move once it stands in one of these states, and its run has ended. */
export async function moveIs(
	{ id }: { id: string },
	statuses: MoveStatus[],
	seconds = 60
): Promise<TenantMigration> {
	return eventually(async () => {
		const row = await db.tenantMigration.findUniqueOrThrow({ where: { id } });
		return statuses.includes(row.status) && row;
	}, seconds);
}

/** A database of that name, or of one beside it, in any container of the sandbox. */
export interface FoundDatabase {
	vmid: number;
	name: string;
	/** Who gets in: Odoo, PostgreSQL's superuser alone, nobody. */
	reach: 'open' | 'held' | 'shut';
	/** Its container runs. */
	running: boolean;
}

/** Everything that there is of an instance's database, wherever it is. */
export function databasesOf(platform: TestPlatform, slug: string): FoundDatabase[] {
	const cluster = clusterOf(platform.sandbox.kernel);
	return Object.values(cluster.state.containers).flatMap(({ vmid, status }) =>
		Object.values(cluster.guests.get(vmid)?.databases ?? {})
			.filter(({ name }) => name === slug || name.startsWith(`${slug}__`))
			.map(({ name, allowConnections, connectionLimit }) => ({
				...{ vmid, name, running: status === 'running' },
				reach:
					allowConnections === false ? 'shut' : connectionLimit === 0 ? 'held' : ('open' as const)
			}))
	);
}

/** The database as it lies in a container. */
export function insideOf(platform: TestPlatform, vmid: number, name: string) {
	return clusterOf(platform.sandbox.kernel).guests.get(vmid)?.databases[name];
}

/** Somebody works: a row and a file that were not there before. */
export function work(platform: TestPlatform, vmid: number, name: string, what: string): void {
	const database = insideOf(platform, vmid, name)!;
	database.users.push({
		...{ id: 100 + database.users.length, login: what, name: what, email: `${what}@example.com` },
		...{ lang: database.lang, active: true, password: '' }
	});
	database.filestore[`ab/${what}`] = Buffer.from(`file of ${what}`).toString('base64');
}

export async function vmidOf(tenant: { id: string }): Promise<number> {
	const { container } = await db.tenant.findUniqueOrThrow({
		where: { id: tenant.id },
		select: { container: { select: { vmid: true } } }
	});
	return container!.vmid;
}

/** A move that nobody works on any more. */
export const ended = (id: string): Promise<TenantMigration> =>
	moveIs({ id }, ['confirming', 'succeeded', 'failed', 'rolled_back', 'cancelled']);

/** Goes there, and says where it was and is. */
export async function goes(tenant: Tenant, toIsolation: Isolation) {
	const from = await vmidOf(tenant);
	const { id } = await move(tenant, { toIsolation });
	return { row: await ended(id), from, to: await vmidOf(tenant) };
}

export async function confirmed(id: string): Promise<void> {
	await transaction((tx) => confirmTenantMove(tx, id, SYSTEM));
	await moveIs({ id }, ['succeeded']);
}

/** A node that the instance is not on. */
export async function nodeBeside({ id }: { id: string }): Promise<Node> {
	const { container } = await db.tenant.findUniqueOrThrow({
		where: { id },
		include: { container: true }
	});
	return db.node.findFirstOrThrow({ where: { id: { not: container!.nodeId } } });
}
