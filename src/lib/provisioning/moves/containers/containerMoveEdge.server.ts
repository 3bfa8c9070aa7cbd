import { db, type Tx } from '#lib/core/db.server.ts';
import type { Step, StepResult, StepWait } from '#lib/core/saga.server.ts';
import type { Prisma, Tunnel } from '#prisma/generated/client.ts';
import { askForCheck } from '#lib/domains/custom/customDomains.server.ts';
import { ensureRecord } from '#lib/domains/records/dns.server.ts';
import { comeByAnother } from '#lib/domains/tenantHosts.server.ts';
import { tunnelFor } from '#lib/domains/tunnels/tunnelChoice.server.ts';
import { requestConvergence, wantedVersion } from '#lib/domains/tunnels/tunnels.server.ts';
import type { Trace } from '#lib/infrastructure/nodes/clients.server.ts';
import { cloudflareClient } from '#lib/settings/clients.server.ts';
import { notApplied } from '../../publishStep.server.ts';
import { stepMessage } from '../../stepMessages.ts';
import { backOnAir, type AirRun } from '../airBreak.server.ts';
import { factsOf, type ContainerMoveState } from './containerMoveState.server.ts';

const include = {
	baseDomain: { include: { tunnel: true } },
	tunnel: true
} satisfies Prisma.TenantInclude;
type Led = Prisma.TenantGetPayload<{ include: typeof include }>;
/** A step of a run, or a job that does the same after a failover. */
type EdgeRun = Pick<AirRun, 'signal' | 'write' | 'log'> & { trace: Trace };

/**
 * Where each node has a tunnel of its own, the instances go by that of the node that they are on now: its rules first, then
 * the names lead there. Everywhere else nothing changes: the container keeps its address.
 */
export const ingressStep: Step<ContainerMoveState> = {
	name: 'ingress',
	async run(context): Promise<StepResult> {
		const { tenantIds } = await factsOf(context);
		if (context.state.tunnelsAsked === undefined) await context.save({ tunnelsAsked: Date.now() });
		return followTunnels(context, tenantIds, context.state.tunnelsAsked!);
	}
};

/**
 * Lets instances go by the tunnel of the node that they are on now. May run any number of times.
 * @param since milliseconds since the epoch when this was first asked
 */
export async function followTunnels(
	run: EdgeRun,
	tenantIds: string[],
	since: number
): Promise<StepResult> {
	await run.write((tx) => switchTunnels(tx, tenantIds));
	const led = await ledByNodes(tenantIds);
	if (led.length === 0) return { message: stepMessage('move_same_tunnel', {}) };
	for (const tunnel of new Set(led.map(tunnelOf))) {
		const wait = await notApplied(run, tunnel.id, await wantedVersion(db, tunnel.id), since);
		if (wait) return wait;
	}
	for (const tenant of led) await pointName(run, tenant);
	const tunnel = tunnelOf(led[0]!).name;
	return { message: stepMessage('move_tunnel', { tunnel, count: led.length }) };
}

/** The edge shows each of them again; its downtime ends when it does. */
export const onAirStep: Step<ContainerMoveState> = {
	name: 'onair',
	async run(context): Promise<StepResult> {
		const { tenantIds } = await factsOf(context);
		if (tenantIds.length === 0) return { message: stepMessage('move_nobody', {}) };
		if (context.state.onAirAsked === undefined) await context.save({ onAirAsked: Date.now() });
		const wait: StepWait | null = await backOnAir(context, tenantIds, context.state.onAirAsked!);
		if (wait) return wait;
		const longest = await longestBreak(db, context.jobId);
		const seconds = longest ? Math.round((longest.onAirAt - longest.offAirAt) / 1000) : 0;
		return { message: stepMessage('move_on_air', { seconds }) };
	}
};

/** Of the instances of a run the one that was off the air longest; null: none was. */
export async function longestBreak(
	tx: Tx,
	jobId: string
): Promise<{ offAirAt: number; onAirAt: number } | null> {
	const rows = await tx.tenantMigration.findMany({
		where: { jobId, NOT: [{ offAirAt: null }, { onAirAt: null }] },
		select: { offAirAt: true, onAirAt: true }
	});
	return rows
		.map((row) => ({ offAirAt: row.offAirAt!.getTime(), onAirAt: row.onAirAt!.getTime() }))
		.reduce<{ offAirAt: number; onAirAt: number } | null>(
			(most, row) =>
				!most || row.onAirAt - row.offAirAt > most.onAirAt - most.offAirAt ? row : most,
			null
		);
}

async function switchTunnels(tx: Tx, tenantIds: string[]): Promise<void> {
	const tenants = await tx.tenant.findMany({
		where: { id: { in: tenantIds }, published: true },
		orderBy: { id: 'asc' },
		include: { ...include, container: { select: { nodeId: true } } }
	});
	for (const { id, baseDomain, container, ...tenant } of tenants) {
		const is = tenant.tunnel ?? baseDomain.tunnel;
		const will = await tunnelFor(tx, { baseDomain, nodeId: container?.nodeId ?? null });
		// What staff have put on a tunnel that is no node's stays there.
		if (is.id === will.id || (is.nodeId === null && will.nodeId === null)) continue;
		await tx.tenant.update({ where: { id }, data: { tunnelId: will.id } });
		await requestConvergence(tx, is.id);
		await comeByAnother(tx, id, await requestConvergence(tx, will.id));
	}
}

/** Those whose tunnel is that of a node: their names must lead there, however often this runs. */
async function ledByNodes(tenantIds: string[]): Promise<Led[]> {
	const tenants = await db.tenant.findMany({
		where: { id: { in: tenantIds }, published: true },
		orderBy: { id: 'asc' },
		include
	});
	const known = await db.dnsRecord.findMany({
		where: { tenantId: { in: tenantIds }, deletedAt: null },
		select: { tenantId: true, content: true }
	});
	return tenants.filter((tenant) => {
		const target = `${tunnelOf(tenant).cloudflareId}.cfargotunnel.com`;
		return known.some(({ tenantId, content }) => tenantId === tenant.id && content !== target);
	});
}

function tunnelOf({ tunnel, baseDomain }: Led): Tunnel {
	return tunnel ?? baseDomain.tunnel;
}

async function pointName(context: EdgeRun, tenant: Led): Promise<void> {
	const { id, customerId, slug, baseDomain } = tenant;
	await ensureRecord(await cloudflareClient({ ...context.trace, customerId }), {
		...{ owner: { kind: 'tenant', id }, customerId, zoneId: baseDomain.zoneId },
		name: `${slug}.${baseDomain.name}`,
		tunnelCloudflareId: tunnelOf(tenant).cloudflareId
	});
	// Names of customers that lead to a tunnel by a record of ours follow by their own check.
	await context.write(async (tx) => {
		const own = await tx.customDomain.findMany({
			where: { tenantId: id, published: true, driver: { not: 'edge' }, status: { not: 'removed' } },
			select: { id: true }
		});
		for (const domain of own) await askForCheck(tx, domain);
	});
}
