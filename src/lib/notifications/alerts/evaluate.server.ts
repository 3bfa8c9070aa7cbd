import type { Alert, AlertRule, Prisma } from '#prisma/generated/client.ts';
import type { AlertSeverity } from '#prisma/generated/enums.ts';
import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { log } from '#lib/core/log.server.ts';
import { closeAlerts } from '../alerts.server.ts';
import { factsOf } from '../sentences.ts';
import { alertMetric, type AlertMetric, type AlertReading } from './alertMetrics.server.ts';
import { isWorse, judge, type Judgement } from './judgement.ts';
import { tellWhatWasSilenced } from './silences.server.ts';
import { tellAlerts } from './telling.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'notifications.evaluate-alerts': Record<string, never>;
	}
}

/** Other parts of the product open such an alert themselves, a moment before the row says so that a metric reads. */
const YOUNG = MINUTE;
const ONE_RULE = { timeout: 60_000, maxWait: 10_000 };

/**
 * Holds every rule against what is measured now, opens, refreshes, raises and closes its alerts, and tells what a silence
 * kept back. May run any number of times, in any number of processes at once.
 * @throws {Error} of the last rule that could not be looked at, after all the others were
 */
export async function evaluateAlerts(): Promise<void> {
	const rules = await db.alertRule.findMany({ orderBy: { key: 'asc' }, select: { id: true } });
	let failure: unknown = null;
	for (const { id } of rules) {
		try {
			await db.$transaction((tx) => evaluateRule(tx, id), ONE_RULE);
		} catch (error) {
			log.error({ err: error, rule: id }, 'an alert rule could not be looked at');
			failure = error;
		}
	}
	await transaction(tellWhatWasSilenced);
	if (failure) throw failure;
}

async function evaluateRule(tx: Tx, id: string): Promise<void> {
	// Two workers, or a worker and who edits it, one after the other.
	await tx.$executeRaw`SELECT 1 FROM alert_rules WHERE id = ${id}::uuid FOR UPDATE`;
	const rule = await tx.alertRule.findUnique({ where: { id } });
	if (!rule) return;
	if (!rule.enabled) return void (await closeAlerts(tx, { rule: rule.key }));
	const metric = alertMetric(rule.metric);
	// A metric that this version of the product does not know says nothing about anything.
	if (!metric) return;
	const readings = await metric.read(tx, { samples: rule.samples });
	const open = await tx.alert.findMany({ where: { rule: rule.key, closedAt: null } });
	const outcome = outcomeOf(rule, metric, readings, open);
	const { closing, changes, opening } = outcome;
	if (closing.length > 0)
		await closeAlerts(tx, { rule: rule.key, id: { in: closing.map((alert) => alert.id) } });
	await writeChanges(tx, changes);
	const worse = changes.filter(({ isEscalated, alert }) => isEscalated && !alert.mutedAt);
	await tellAlerts(
		tx,
		await rowsOf(
			tx,
			worse.map(({ alert }) => alert.id)
		),
		'escalated',
		rule.channels
	);
	const opened = await writeOpened(tx, rule, metric, opening);
	await tellAlerts(tx, await rowsOf(tx, opened), 'opened', rule.channels);
	if (changes.length + opened.length > 0) await publish(tx, 'staff:alerts', rule.id);
}

interface Change {
	alert: Alert;
	data: Prisma.InputJsonObject;
	severity: AlertSeverity;
	isEscalated: boolean;
}

interface Opening {
	subjectId: string;
	severity: AlertSeverity;
	data: Prisma.InputJsonObject;
}

interface Outcome {
	closing: Alert[];
	changes: Change[];
	opening: Opening[];
}

/** What becomes of the alerts of a rule, by what was read and what is open. */
function outcomeOf(
	rule: AlertRule,
	metric: AlertMetric,
	readings: AlertReading[],
	open: Alert[]
): Outcome {
	const outcome: Outcome = { closing: [], changes: [], opening: [] };
	const bySubject = new Map(open.map((alert) => [alert.subjectId, alert]));
	for (const reading of readings) {
		const { subjectId, values, daysLeft = null } = reading;
		const judgement = judge(values, { ...rule, worse: metric.worse }, daysLeft);
		const data = dataOf(rule, metric, reading, judgement);
		const alert = bySubject.get(subjectId);
		bySubject.delete(subjectId);
		if (!alert) {
			if (judgement.kind === 'past')
				outcome.opening.push({ subjectId, severity: judgement.severity, data });
		} else if (judgement.kind === 'good') {
			if (!isYoung(metric, alert)) outcome.closing.push(alert);
		} else {
			const change = changeOf(alert, judgement, data);
			if (change) outcome.changes.push(change);
		}
	}
	// Who is read no more is gone.
	outcome.closing.push(...[...bySubject.values()].filter((alert) => !isYoung(metric, alert)));
	return outcome;
}

/** What is new of an alert that stays open; null: nothing. */
function changeOf(
	alert: Alert,
	judgement: Judgement,
	found: Prisma.InputJsonObject
): Change | null {
	const before = factsOf(alert.data);
	const data =
		judgement.kind === 'unknown'
			? { ...before, unknownSince: before.unknownSince ?? now().toISOString() }
			: { ...withoutUnknown(before), ...found };
	// It stays as serious as it once was until it is over: what goes up and down by the minute is no news.
	const isEscalated = judgement.kind === 'past' && isWorse(judgement.severity, alert.severity);
	const severity = isEscalated ? judgement.severity : alert.severity;
	const isNews = JSON.stringify(sorted(data)) !== JSON.stringify(sorted(before));
	return isEscalated || isNews ? { alert, data, severity, isEscalated } : null;
}

/** All of them in one statement: there may be thousands. */
async function writeChanges(tx: Tx, changes: Change[]): Promise<void> {
	if (changes.length === 0) return;
	await tx.$executeRaw`
		UPDATE alerts SET data = new.data::jsonb, severity = new.severity::alert_severity,
			escalated_at = CASE WHEN new.escalated THEN ${now()} ELSE escalated_at END
		FROM unnest(${changes.map(({ alert }) => alert.id)}::uuid[], ${changes.map(({ data }) => JSON.stringify(data))}::text[],
			${changes.map(({ severity }) => severity)}::text[], ${changes.map(({ isEscalated }) => isEscalated)}::bool[])
			AS new(id, data, severity, escalated)
		WHERE alerts.id = new.id AND alerts.closed_at IS NULL`;
}

/** @returns ids of those that nobody else had opened */
async function writeOpened(
	tx: Tx,
	{ key }: AlertRule,
	{ subjectType }: AlertMetric,
	opening: Opening[]
): Promise<string[]> {
	if (opening.length === 0) return [];
	// The partial unique index alerts_open_key decides between this and code that opens the same by itself.
	const rows = await tx.$queryRaw<{ id: string }[]>`
		INSERT INTO alerts (id, rule, subject_type, subject_id, severity, data, opened_at)
		SELECT gen_random_uuid(), ${key}, ${subjectType}, new.subject_id, new.severity::alert_severity, new.data::jsonb, ${now()}
		FROM unnest(${opening.map(({ subjectId }) => subjectId)}::text[], ${opening.map(({ severity }) => severity)}::text[],
			${opening.map(({ data }) => JSON.stringify(data))}::text[]) AS new(subject_id, severity, data)
		ON CONFLICT (rule, subject_type, subject_id) WHERE closed_at IS NULL DO NOTHING RETURNING id`;
	return rows.map(({ id }) => id);
}

async function rowsOf(tx: Tx, ids: string[]): Promise<Alert[]> {
	if (ids.length === 0) return [];
	return tx.alert.findMany({ where: { id: { in: ids } }, orderBy: { subjectId: 'asc' } });
}

function isYoung({ hasHistory }: AlertMetric, { openedAt }: Alert): boolean {
	return !hasHistory && openedAt > after(now(), -YOUNG);
}

function dataOf(
	rule: AlertRule,
	metric: AlertMetric,
	reading: AlertReading,
	{ value }: Judgement
): Prisma.InputJsonObject {
	return {
		...reading.data,
		...{ metric: metric.name, unit: metric.unit, subject: reading.name },
		...(rule.threshold !== null &&
			value !== null && { value: rounded(value), threshold: rule.threshold }),
		...(typeof reading.daysLeft === 'number' && { daysLeft: rounded(reading.daysLeft) })
	};
}

/** More digits would make news of every sample. */
function rounded(value: number): number {
	return Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 10) / 10;
}

function withoutUnknown(facts: Record<string, Prisma.JsonValue>) {
	return Object.fromEntries(Object.entries(facts).filter(([name]) => name !== 'unknownSince'));
}

function sorted(data: object): [string, unknown][] {
	return Object.entries(data).sort(([one], [other]) => one.localeCompare(other));
}
