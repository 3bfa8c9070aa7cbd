import { now } from '#lib/core/clock.server.ts';
import { transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { transition } from '../tenantState.server.ts';
import type { Look } from './probe.server.ts';
import { tellOfTunnels } from './tunnels.server.ts';

const BATCH = 1_000;
/** State changes at a time. */
const CHANGES = 8;

/**
 * Writes down what was seen: the hour's counts, the misses and the outages of all in a few statements; a transaction of its
 * own is only for who becomes degraded, or well again.
 */
export async function recordLooks(looks: Look[]): Promise<void> {
	const most = await setting('provisioning.probe_misses');
	const silent = await tellOfTunnels(looks, most, missesOf);
	const isAlone = ({ tunnelId }: Look) => tunnelId === null || !silent.has(tunnelId);
	const changing: Look[] = [];
	for (let from = 0; from < looks.length; from += BATCH) {
		const batch = looks.slice(from, from + BATCH);
		await transaction(async (tx) => {
			await countLooks(tx, batch);
			await countMisses(tx, batch);
			await writeOutages(tx, batch);
		});
		changing.push(...batch.filter((look) => isChange(look, most, isAlone(look))));
	}
	await transaction((tx) => countStranded(tx, now()));
	for (let from = 0; from < changing.length; from += CHANGES)
		await Promise.all(
			changing.slice(from, from + CHANGES).map((look) => change(look, isAlone(look)))
		);
}

/** While we keep it off the air ourselves, what is missed is not counted: it is shown apart. */
async function countLooks(tx: Tx, batch: Look[]): Promise<void> {
	const counted = batch.filter(({ seen, planned }) => seen.ok || !planned);
	const answered = (look: Look) => (look.seen.ok ? 1 : 0);
	const latency = (look: Look) => (look.seen.ok ? Math.max(1, Math.round(look.ms)) : 0);
	await tx.$executeRaw`
		INSERT INTO tenant_uptime_hours AS hour (tenant_id, customer_id, at, probes, answered, latency_sum_ms, latency_max_ms)
		SELECT tenant_id, customer_id, date_trunc('hour', at, 'UTC'), 1, answered, ms, ms FROM unnest(
			${counted.map(({ id }) => id)}::uuid[], ${counted.map(({ customerId }) => customerId)}::uuid[],
			${counted.map(({ at }) => at)}::timestamptz[], ${counted.map(answered)}::int[], ${counted.map(latency)}::int[])
			AS look (tenant_id, customer_id, at, answered, ms)
		ORDER BY 1
		ON CONFLICT (tenant_id, at) DO UPDATE SET probes = hour.probes + 1, answered = hour.answered + EXCLUDED.answered,
			latency_sum_ms = hour.latency_sum_ms + EXCLUDED.latency_sum_ms,
			latency_max_ms = greatest(hour.latency_max_ms, EXCLUDED.latency_max_ms)`;
}

/**
 * Of who is being moved nobody has to look: visitors see the page that says so. Once its move has failed that is no plan of
 * ours, and each of these minutes is a miss.
 */
async function countStranded(tx: Tx, at: Date): Promise<void> {
	await tx.$executeRaw`
		INSERT INTO tenant_uptime_hours AS hour (tenant_id, customer_id, at, probes, answered, latency_sum_ms, latency_max_ms)
		SELECT tenant.id, tenant.customer_id, date_trunc('hour', ${at}::timestamptz, 'UTC'), 1, 0, 0, 0
		FROM tenant_outages outage JOIN tenant_deployments tenant ON tenant.id = outage.tenant_id
		WHERE outage.ended_at IS NULL AND NOT outage.planned AND tenant.status = 'migrating' AND tenant.published
		ORDER BY 1
		ON CONFLICT (tenant_id, at) DO UPDATE SET probes = hour.probes + 1`;
}

const missesOf = ({ seen, misses }: Look) => (seen.ok ? 0 : misses + 1);

async function countMisses(tx: Tx, batch: Look[]): Promise<void> {
	const other = batch.filter((look) => missesOf(look) !== look.misses);
	if (other.length === 0) return;
	await tx.$executeRaw`
		UPDATE tenant_deployments tenant SET probe_misses = look.misses
		FROM unnest(${other.map(({ id }) => id)}::uuid[], ${other.map(missesOf)}::int[]) AS look (id, misses)
		WHERE tenant.id = look.id AND tenant.status IN ('active', 'degraded')`;
}

/** An outage lasts from the first miss to the first answer; what is ours and what is not are two. */
async function writeOutages(tx: Tx, batch: Look[]): Promise<void> {
	const over = batch.filter(
		({ seen, outageId, planned, outagePlanned }) =>
			outageId !== null && (seen.ok || planned !== outagePlanned)
	);
	const begun = batch.filter(
		({ seen, outageId, planned, outagePlanned }) =>
			!seen.ok && (outageId === null || planned !== outagePlanned)
	);
	if (over.length > 0)
		await tx.$executeRaw`
			UPDATE tenant_outages outage SET ended_at = look.at
			FROM unnest(${over.map(({ outageId }) => outageId)}::uuid[], ${over.map(({ at }) => at)}::timestamptz[]) AS look (id, at)
			WHERE outage.id = look.id AND outage.ended_at IS NULL`;
	if (begun.length > 0)
		await tx.$executeRaw`
			INSERT INTO tenant_outages (id, tenant_id, customer_id, started_at, seen, planned)
			SELECT gen_random_uuid(), tenant_id, customer_id, at, seen, planned FROM unnest(
				${begun.map(({ id }) => id)}::uuid[], ${begun.map(({ customerId }) => customerId)}::uuid[],
				${begun.map(({ at }) => at)}::timestamptz[], ${begun.map(({ seen }) => seen.code)}::text[],
				${begun.map(({ planned }) => planned)}::bool[]) AS look (tenant_id, customer_id, at, seen, planned)
			ON CONFLICT (tenant_id) WHERE ended_at IS NULL DO NOTHING`;
	const told = [...over, ...begun].map(({ id }) => `tenant:${id}`);
	if (told.length > 0) await publish(tx, told);
}

/** Nobody looks at it any more: it was suspended, moved or taken down in the middle of its outage, which nobody has to mend now. */
export async function endForgotten(tx: Tx, at: Date): Promise<void> {
	await tx.$executeRaw`
		UPDATE tenant_outages outage SET ended_at = ${at} FROM tenant_deployments tenant
		WHERE outage.ended_at IS NULL AND tenant.id = outage.tenant_id
			AND NOT (tenant.status IN ('active', 'degraded', 'migrating') AND tenant.published)`;
	const told = await tx.$queryRaw<{ id: string }[]>`
		SELECT tenant.id FROM alerts alert JOIN tenant_deployments tenant ON tenant.id::text = alert.subject_id
		WHERE alert.rule = ${DOWN} AND alert.subject_type = 'tenant' AND alert.closed_at IS NULL
			AND NOT (tenant.status IN ('active', 'degraded') AND tenant.published)`;
	for (const { id } of told) await closeAlert(tx, downAlert(id));
}

const DOWN = 'provisioning.tenant-down';
const downAlert = (id: string) => ({ rule: DOWN, subjectType: 'tenant', subjectId: id });

/** @param isAlone others behind its tunnel answer, so that somebody is told of it and not of the tunnel */
function isChange(look: Look, most: number, isAlone: boolean): boolean {
	const { seen, status, planned, alerted } = look;
	if (seen.ok) return status === 'degraded' || alerted;
	return missesOf(look) >= most && (status === 'active' || (!planned && alerted !== isAlone));
}

/** Of what we keep off the air ourselves nobody has to be told. */
async function change(look: Look, isAlone: boolean): Promise<void> {
	const { seen, status, planned } = look;
	const subject = downAlert(look.id);
	try {
		await transaction(async (tx) => {
			if (seen.ok) {
				if (status === 'degraded') await transition(tx, look, 'active', { statusReason: null });
				await closeAlert(tx, subject);
				return;
			}
			if (status === 'active') await transition(tx, look, 'degraded', { statusReason: seen.code });
			const data = { slug: look.slug, seen: seen.detail };
			if (!isAlone) await closeAlert(tx, subject);
			else if (!planned) await openAlert(tx, { ...subject, severity: 'critical', data });
		});
	} catch (error) {
		// Somebody suspended or deleted it while we looked: there is nothing to say any more.
		if (!(error instanceof AppError && error.code === 'CHANGED_MEANWHILE')) throw error;
	}
}
