import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { Prisma, type BaseDomain } from '#prisma/generated/client.ts';
import type { Cloudflare } from '../../integrations/cloudflare/cloudflare.server.ts';
import { CloudflareError } from '../../integrations/cloudflare/errors.ts';
import type { FallbackOrigin } from '../../integrations/cloudflare/types.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { ensureTarget, removeTarget } from './baseTarget.server.ts';
import { BaseObstacle, type Obstacle } from './baseWords.ts';
import { driversInUse } from '../records/neededRecords.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** `replace`: a fallback origin that somebody else has set gives way to ours. */
		'domains.prepare-base': {
			id: string;
			replace?: boolean | undefined;
			/** Asked for by the clock. */
			look?: boolean | undefined;
			/** How often Cloudflare was not ready yet. */
			round?: number | undefined;
		};
		'domains.prepare-bases': Record<string, never>;
		'domains.clear-base': {
			id: string;
			zoneId: string;
			target: string;
			fallbackOrigin: string | null;
		};
	}
}

/** Cloudflare deploys a fallback origin within minutes: looked at ever more rarely, in the end by the clock alone. */
const ROUNDS = 20;
const WAIT_SECONDS = 5;

/** Says, as part of `tx`, that what a base domain's driver needs in its zone has to be made or looked at. */
export async function askForPreparation(
	tx: Tx,
	id: string,
	{ replace = false } = {}
): Promise<void> {
	await tx.baseDomain.update({
		where: { id },
		data: { preparation: 'pending', obstacle: Prisma.DbNull }
	});
	await enqueue(tx, 'domains.prepare-base', { id, ...(replace && { replace }) }, { key: id });
	await publish(tx, 'staff:domain-bases', id);
}

type Facts = Partial<
	Pick<BaseDomain, 'zoneStatus' | 'zoneSeenAt' | 'fallbackOrigin' | 'fallbackStatus'>
>;

/**
 * Makes what the driver of a base domain needs in its zone: looks first, marks what it makes, reads it back.
 * @returns whether it stands; `pending` while Cloudflare is at it
 * @throws {CloudflareError} when Cloudflare does not answer: the queue tries again
 */
export async function prepareBase(
	id: string,
	{ replace = false, look = false }: { replace?: boolean; look?: boolean } = {}
): Promise<BaseDomain['preparation'] | 'gone'> {
	const base = await db.baseDomain.findUnique({ where: { id } });
	if (!base) return 'gone';
	const client = await cloudflareClient({ subjectId: id }, look ? 'sync' : 'user');
	const facts: Facts = {};
	try {
		const zone = await client.zones.get(base.zoneId);
		Object.assign(facts, { zoneStatus: zone.status, zoneSeenAt: now() });
		if (zone.status !== 'active')
			throw new BaseObstacle('zone_not_active', { status: zone.status });
		await ensureTarget(client, base);
		const drivers = new Set([base.driver, ...(await driversInUse(db, id))]);
		const isDeployed = drivers.has('custom_hostname')
			? await ensureFallback(client, base, replace, facts)
			: await withoutFallback(client, base, facts);
		await keep(base, isDeployed ? 'ready' : 'pending', null, facts);
		return isDeployed ? 'ready' : 'pending';
	} catch (error) {
		const obstacle = obstacleIn(error);
		if (!obstacle) throw error;
		await keep(base, 'error', obstacle, facts);
		// What may pass by itself is tried again; the page says meanwhile what it is.
		if (error instanceof CloudflareError && error.retryable) throw error;
		return 'error';
	}
}

function obstacleIn(error: unknown): Obstacle | null {
	if (error instanceof BaseObstacle) return error.obstacle;
	if (!(error instanceof CloudflareError)) return null;
	const code = error.kind === 'unauthorized' ? 'no_right' : 'vendor';
	return { code, params: { detail: error.message } };
}

/** @returns true once Cloudflare says that it is in use */
async function ensureFallback(
	client: Cloudflare,
	base: BaseDomain,
	replace: boolean,
	facts: Facts
): Promise<boolean> {
	const before = await fallbackOf(client, base.zoneId);
	const isTheirs =
		before !== null && before.origin !== base.target && before.origin !== base.fallbackOrigin;
	if (isTheirs && !replace) throw new BaseObstacle('fallback_elsewhere', { origin: before.origin });
	if (before?.origin !== base.target || before.status.endsWith('_timed_out'))
		await client.customHostnames.setFallbackOrigin(base.zoneId, base.target);
	const after = await fallbackOf(client, base.zoneId);
	if (after?.origin !== base.target)
		throw new CloudflareError({
			kind: 'vendor',
			operation: 'hostnames.set_fallback',
			message: `the fallback origin reads ${after?.origin ?? 'nothing'}`,
			retryable: true
		});
	facts.fallbackOrigin = after.origin;
	facts.fallbackStatus = after.status;
	if (after.status === 'active') return true;
	if (['initializing', 'pending_deployment'].includes(after.status)) return false;
	throw new BaseObstacle('fallback_state', {
		status: after.status,
		detail: after.errors.join('; ')
	});
}

/** Takes back the one that we set, now that nothing needs it. */
async function withoutFallback(
	client: Cloudflare,
	{ zoneId, fallbackOrigin }: Pick<BaseDomain, 'zoneId' | 'fallbackOrigin'>,
	facts: Facts
): Promise<true> {
	if (!fallbackOrigin) return true;
	const there = await fallbackOf(client, zoneId);
	if (there?.origin === fallbackOrigin) await client.customHostnames.clearFallbackOrigin(zoneId);
	Object.assign(facts, { fallbackOrigin: null, fallbackStatus: null });
	return true;
}

/** Null when the zone has none. */
async function fallbackOf(client: Cloudflare, zoneId: string): Promise<FallbackOrigin | null> {
	try {
		return await client.customHostnames.fallbackOrigin(zoneId);
	} catch (error) {
		if (error instanceof CloudflareError && error.kind === 'not_found') return null;
		throw error;
	}
}

/** Only if nobody has edited it meanwhile: then another look is asked for already. */
async function keep(
	{ id, version }: BaseDomain,
	preparation: BaseDomain['preparation'],
	obstacle: Obstacle | null,
	facts: Facts
): Promise<void> {
	await transaction(async (tx) => {
		await tx.baseDomain.updateMany({
			where: { id, version },
			data: {
				...{ ...facts, preparation, preparedAt: now() },
				obstacle: obstacle ? { code: obstacle.code, params: obstacle.params } : Prisma.DbNull
			}
		});
		await publish(tx, 'staff:domain-bases', id);
	});
}

defineJob({
	name: 'domains.prepare-base',
	payload: z.object({
		id: z.uuid(),
		replace: z.boolean().optional(),
		look: z.boolean().optional(),
		round: z.int().optional()
	}),
	run: async ({ id, replace, look, round = 1 }) => {
		const state = await prepareBase(id, { replace: replace ?? false, look: look ?? false });
		if (state !== 'pending' || look || round === ROUNDS) return;
		await enqueue(
			db,
			'domains.prepare-base',
			{ id, round: round + 1 },
			{ key: id, startAfter: WAIT_SECONDS * round }
		);
	},
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 10, retryDelay: 5, retryDelayMax: 300 }
});

defineJob({
	name: 'domains.prepare-bases',
	payload: z.object({}),
	run: async () => {
		// Also those that stand: what somebody took away at Cloudflare comes back by itself.
		const bases = await db.baseDomain.findMany({ select: { id: true } });
		for (const { id } of bases)
			await enqueue(db, 'domains.prepare-base', { id, look: true }, { key: id });
	},
	schedule: { cron: '*/10 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'domains.clear-base',
	payload: z.object({
		id: z.uuid(),
		zoneId: z.string(),
		target: z.string(),
		fallbackOrigin: z.string().nullable()
	}),
	run: async ({ id, zoneId, target, fallbackOrigin }) => {
		const client = await cloudflareClient({ subjectId: id });
		await withoutFallback(client, { zoneId, fallbackOrigin }, {});
		await removeTarget(client, { id, zoneId, target });
	},
	queue: { retryLimit: 100, retryDelay: 5 }
});
