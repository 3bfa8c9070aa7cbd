import { MINUTE, now } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { StepContext, StepWait } from '#lib/core/saga.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { lookAtHealth, lookFromOutside, type Seen } from '#lib/domains/custom/answer.server.ts';
import { homeOf, tenantHosts } from '#lib/domains/custom/domainHosts.server.ts';
import { tunnelsOfTenants } from '#lib/domains/tenantHosts.server.ts';
import { wantedVersion } from '#lib/domains/tunnels/tunnels.server.ts';
import { notApplied } from '../publishStep.server.ts';
import { stepMessage } from '../stepMessages.ts';
import { republish, transition } from '../tenantState.server.ts';
import { beginPlannedOutages, endOutages, planFailed } from '../uptime/plannedOutages.server.ts';

/** What an air break needs of a saga step: its `context` fits. */
export type AirRun = Pick<StepContext<object>, 'jobId' | 'trace' | 'signal' | 'write' | 'log'>;

/** Tests shorten it. */
export const airPatience = {
	/** How long the edge may go on showing the instance that is to go, or not show it again. */
	edgeMs: 10 * MINUTE,
	/** For so long it is looked at every second; later every quarter of a minute, and the run holds no worker in between. */
	soonMs: 2 * MINUTE
};

/** Looks at a time. */
const LOOKS = 8;

const include = {
	baseDomain: { select: { name: true } }
} satisfies Prisma.TenantInclude;
type Airing = Prisma.TenantGetPayload<{ include: typeof include }>;

/**
 * Takes instances off the air for a move: they become `migrating` (where they came from is kept in `previousStatus`), their
 * hosts show the page that says so, their outage is a planned one. `off_air_at` of the `tenant_migrations` rows of this run is
 * stamped when the edge shows it. What nobody reaches anyway (unpublished, suspended, in deletion) is not stamped. May run
 * any number of times.
 * @param since milliseconds since the epoch when this was first asked: after `airPatience.edgeMs` it counts as failed
 * @returns null when all are off the air; else the wait
 * @throws {AppError} VENDOR_FAILED when the edge does not follow in time
 */
export async function takeOffAir(
	run: AirRun,
	tenantIds: string[],
	since: number
): Promise<StepWait | null> {
	await run.write(async (tx) => {
		for (const tenant of await locked(tx, tenantIds)) {
			if (!['active', 'degraded', 'suspended'].includes(tenant.status)) continue;
			await transition(tx, tenant, 'migrating', { previousStatus: tenant.status });
			await republish(tx, tenant);
		}
	});
	const visible = (await airing(tenantIds)).filter(isVisible);
	const wait = await applied(run, visible, since);
	if (wait) return wait;
	const left = await notStamped(run, visible, 'offAirAt');
	for (const some of inParts(left)) {
		const at = now();
		const seen = await Promise.all(some.map((tenant) => lookAt(tenant)));
		const off = some.filter((_, i) => !seen[i]!.ok).map(({ id }) => id);
		if (off.length > 0)
			await run.write(async (tx) => {
				await stamp(tx, run, off, { offAirAt: at });
				await beginPlannedOutages(tx, off, at);
			});
		if (off.length < some.length) return late(since, 'edge: the instance is still shown');
	}
	return null;
}

/**
 * Leads instances back to their containers with the status that they had, looks at them through the edge, and stamps
 * `on_air_at`. What was suspended is led to its own page again and not looked at. May run any number of times.
 * @param since as in `takeOffAir`
 * @returns null when all answer; else the wait
 * @throws {AppError} VENDOR_FAILED, NOT_SEEN when they do not answer in time
 */
export async function backOnAir(
	run: AirRun,
	tenantIds: string[],
	since: number
): Promise<StepWait | null> {
	await run.write(async (tx) => {
		for (const tenant of await locked(tx, tenantIds))
			if (tenant.status === 'migrating') await restore(tx, tenant);
	});
	const tenants = await airing(tenantIds);
	const visible = tenants.filter(({ published }) => published);
	const wait = await applied(run, visible, since);
	if (wait) return wait;
	const away = tenants.filter((tenant) => !isOnAir(tenant)).map(({ id }) => id);
	await run.write(async (tx) => {
		await stamp(tx, run, away, { onAirAt: now() });
		await endOutages(tx, away, now());
	});
	const left = await notStamped(run, visible.filter(isOnAir), 'onAirAt');
	for (const some of inParts(left)) {
		const seen = await Promise.all(some.map((tenant) => lookAt(tenant)));
		const at = now();
		const on = some.filter((_, i) => seen[i]!.ok).map(({ id }) => id);
		await run.write(async (tx) => {
			await stamp(tx, run, on, { onAirAt: at });
			await endOutages(tx, on, at);
			await tx.tenant.updateMany({ where: { id: { in: on } }, data: { probeMisses: 0 } });
			for (const tenant of some)
				if (tenant.status === 'degraded' && on.includes(tenant.id))
					await transition(tx, tenant, 'active', { statusReason: null });
		});
		const dark = some.findIndex((_, i) => !seen[i]!.ok);
		if (dark < 0) continue;
		const { slug, baseDomain } = some[dark]!;
		const hostname = `${slug}.${baseDomain.name}`;
		await run.log('debug', `${hostname}: ${seen[dark]!.detail}`);
		return late(since, `not seen from outside: ${seen[dark]!.detail}`, hostname);
	}
	return null;
}

/**
 * The run cannot bring them back by itself: what keeps away who is still off the air is no plan of ours from here on, however
 * long staff need.
 */
export async function endAirBreak(tx: Tx, jobId: string): Promise<void> {
	const away = await tx.tenantMigration.findMany({
		where: { jobId, offAirAt: { not: null }, onAirAt: null },
		select: { tenantId: true }
	});
	const ids = away.map(({ tenantId }) => tenantId);
	await planFailed(tx, ids, now());
}

/** Where it came from, or where it was sent meanwhile; what its subscription wanted and could not have is looked at now. */
async function restore(tx: Tx, tenant: Airing): Promise<void> {
	const back = tenant.previousStatus;
	const to = back === 'suspended' || back === 'degraded' ? back : 'active';
	await transition(tx, tenant, to, { previousStatus: null });
	await republish(tx, tenant);
	const { subscriptionId, id: tenantId } = tenant;
	// While it was on its way nobody took writing from it, or gave it back.
	await enqueue(tx, 'provisioning.read-only', { tenantId }, { key: tenantId });
	if (subscriptionId) await enqueue(tx, 'provisioning.subscription-changed', { subscriptionId });
}

async function locked(tx: Tx, tenantIds: string[]): Promise<Airing[]> {
	await tx.$queryRaw`
		SELECT id FROM tenant_deployments WHERE id = ANY(${tenantIds}::uuid[]) ORDER BY id FOR UPDATE`;
	return tx.tenant.findMany({
		where: { id: { in: tenantIds } },
		orderBy: { id: 'asc' },
		include
	});
}

function airing(tenantIds: string[]): Promise<Airing[]> {
	return db.tenant.findMany({
		where: { id: { in: tenantIds } },
		orderBy: { id: 'asc' },
		include
	});
}

/** People would come to it if it were not being moved. */
function isVisible({ published, status, previousStatus }: Airing): boolean {
	return published && status === 'migrating' && previousStatus !== 'suspended';
}

function isOnAir({ published, status }: Airing): boolean {
	return published && (status === 'active' || status === 'degraded');
}

/** The tunnels have all that was asked of them. */
async function applied(run: AirRun, tenants: Airing[], since: number): Promise<StepWait | null> {
	const ids = tenants.map(({ id }) => id);
	for (const tunnelId of await tunnelsOfTenants(db, ids)) {
		const wait = await notApplied(run, tunnelId, await wantedVersion(db, tunnelId), since);
		if (wait) return wait;
	}
	return null;
}

async function notStamped(
	run: AirRun,
	tenants: Airing[],
	column: 'offAirAt' | 'onAirAt'
): Promise<Airing[]> {
	const stamped = await db.tenantMigration.findMany({
		where: { jobId: run.jobId, NOT: { [column]: null } },
		select: { tenantId: true }
	});
	const ids = new Set(stamped.map(({ tenantId }) => tenantId));
	return tenants.filter(({ id }) => !ids.has(id));
}

/** The first time counts. What was never off the air does not come back. */
async function stamp(
	tx: Tx,
	run: AirRun,
	tenantIds: string[],
	at: { offAirAt: Date } | { onAirAt: Date }
): Promise<void> {
	await tx.tenantMigration.updateMany({
		where: {
			...{ jobId: run.jobId, tenantId: { in: tenantIds } },
			...('offAirAt' in at ? { offAirAt: null } : { offAirAt: { not: null }, onAirAt: null })
		},
		data: at
	});
}

/** As a visitor sees it: by its customer's domain while one is at work, and then the server's health is enough. */
async function lookAt({ id, databaseName }: Airing): Promise<Seen> {
	const hosts = await tenantHosts(db, id);
	const home = homeOf(hosts);
	const seen = await lookFromOutside({ hostname: home, databaseName });
	return seen.ok || home === hosts.platform ? seen : lookAtHealth(hosts.platform);
}

function* inParts<T>(all: T[]): Generator<T[]> {
	for (let from = 0; from < all.length; from += LOOKS) yield all.slice(from, from + LOOKS);
}

/** @param hostname of what is to be seen and is not; else it is seen and should not be */
function late(since: number, detail: string, hostname?: string): StepWait {
	const waited = Date.now() - since;
	if (waited > airPatience.edgeMs)
		throw hostname
			? new AppError('NOT_SEEN', { params: { hostname }, detail })
			: new AppError('VENDOR_FAILED', { params: { vendor: 'cloudflare' }, detail });
	const message = hostname
		? stepMessage('not_seen_yet', { hostname })
		: stepMessage('rule_pending', {});
	const wait = waited < airPatience.soonMs ? 1 : 15;
	return { wait, message, reason: message.code };
}
