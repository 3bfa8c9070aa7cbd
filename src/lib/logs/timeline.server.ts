import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { PageMeta } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { day } from './auditList.server.ts';
import { erasedEntries, withoutMember, withoutPeople } from './erasedEntries.server.ts';
import type { TimelineData, TimelineEntry, TimelineKind } from './timeline.ts';
import type { TimelineScope } from './timelineScope.server.ts';

export const TIMELINE_LIST = {
	sort: ['at'],
	defaultSort: '-at',
	filters: ['kind', 'from', 'to'],
	pageSize: 50
} satisfies ListSpec;

export interface TimelineQuery {
	/** What this person may see, or asked to see of it. */
	kinds: readonly TimelineKind[];
	filters: {
		/** First and last day, `2026-11-21`, in UTC. */
		from?: string;
		to?: string;
	};
	cursor: string | null;
	pageSize: number;
}

/** One of the tables that a timeline is merged of: where a moment, an id and the words come from. */
interface Branch {
	what: keyof TimelineData;
	kind: Prisma.Sql;
	/** Kinds that it can be of: it is left out when none of them is wanted. */
	kinds: readonly TimelineKind[];
	from: Prisma.Sql;
	where: Prisma.Sql;
	at: Prisma.Sql;
	id: Prisma.Sql;
	data: Prisma.Sql;
}

/**
 * One page of everything that happened to a thing, newest first: each table gives its newest rows of the scope, and the
 * newest of those are the page. Pages go by cursor alone.
 * @throws {AppError} BAD_INPUT for a cursor that no timeline gave
 */
export async function timeline(
	tx: Tx,
	scope: TimelineScope,
	query: TimelineQuery
): Promise<{ rows: TimelineEntry[]; meta: PageMeta }> {
	const branches = branchesOf(scope).filter(({ kinds }) =>
		kinds.some((kind) => query.kinds.includes(kind))
	);
	const meta = { total: null, totalEstimate: null, page: 1, pageSize: query.pageSize };
	if (branches.length === 0) return { rows: [], meta: { ...meta, next: null } };
	const limit = query.pageSize + 1;
	const merged = branches.map((branch) => newestOf(branch, query, limit));
	const found = await tx.$queryRaw<TimelineEntry[]>`
		SELECT kind, what, id, at, data FROM (${Prisma.join(merged, ' UNION ALL ')}) AS merged
		ORDER BY at DESC, id DESC LIMIT ${limit}`;
	const rows = await withoutErased(tx, found.slice(0, query.pageSize));
	const last = rows.at(-1);
	return {
		rows,
		meta: { ...meta, next: found.length > query.pageSize && last ? encode(last) : null }
	};
}

/** What names people goes from the acts of customers that were erased. */
async function withoutErased(tx: Tx, rows: TimelineEntry[]): Promise<TimelineEntry[]> {
	const idOf = ({ id }: TimelineEntry) => id.slice(id.indexOf(':') + 1);
	const acts = rows.filter(({ what }) => what === 'act');
	const erased = await erasedEntries(tx, acts.map(idOf));
	if (erased.size === 0) return rows;
	return rows.map((row) => {
		if (row.what !== 'act' || !erased.has(idOf(row))) return row;
		const { action, actorKind, actor, before, after } = row.data;
		return {
			...row,
			data: {
				...{ action, actorKind, actor: withoutMember(actorKind, actor) },
				before: withoutPeople(before),
				after: withoutPeople(after)
			}
		};
	});
}

function newestOf(branch: Branch, query: TimelineQuery, limit: number): Prisma.Sql {
	const { at, kind } = branch;
	const id = Prisma.sql`(${`${branch.what}:`}::text || ${branch.id})`;
	const conditions = [branch.where, Prisma.sql`${at} IS NOT NULL`];
	const from = day(query.filters.from);
	const to = day(query.filters.to);
	if (from) conditions.push(Prisma.sql`${at} >= ${from}::date`);
	if (to) conditions.push(Prisma.sql`${at} < ${to}::date + 1`);
	// One table may hold several kinds.
	if (!branch.kinds.every((name) => query.kinds.includes(name)))
		conditions.push(Prisma.sql`${kind} = ANY(${[...query.kinds]})`);
	if (query.cursor) {
		const after = decode(query.cursor);
		// The first comparison is the one that an index knows.
		conditions.push(Prisma.sql`${at} <= ${after.at}::timestamptz`);
		conditions.push(Prisma.sql`(${at}, ${id}) < (${after.at}::timestamptz, ${after.id})`);
	}
	return Prisma.sql`(SELECT ${kind} AS kind, ${branch.what}::text AS what, ${id} AS id, ${at} AS at, ${branch.data} AS data
		FROM ${branch.from} WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY 4 DESC, 3 DESC LIMIT ${limit})`;
}

function branchesOf(scope: TimelineScope): Branch[] {
	return [
		{
			what: 'act',
			kinds: ['state', 'billing', 'audit'],
			kind: Prisma.sql`CASE WHEN entry.action LIKE 'billing.%' THEN 'billing'
				WHEN entry.after->>'status' IS NOT NULL THEN 'state' ELSE 'audit' END`,
			from: Prisma.sql`audit_log AS entry`,
			where: scope.acts,
			at: Prisma.sql`entry.at`,
			id: Prisma.sql`entry.id::text`,
			data: Prisma.sql`jsonb_build_object('action', entry.action, 'actor', entry.actor_label,
				'actorKind', entry.actor_kind, 'before', entry.before, 'after', entry.after)`
		},
		...runBranches(scope),
		...invoiceBranches(scope),
		{
			what: 'refund',
			...one('billing'),
			from: Prisma.sql`refunds AS refund LEFT JOIN invoices AS invoice
				ON invoice.customer_id = refund.customer_id AND invoice.id = refund.invoice_id`,
			where: scope.refunds,
			at: Prisma.sql`refund.created_at`,
			id: Prisma.sql`refund.id::text`,
			data: Prisma.sql`jsonb_build_object('amount', refund.amount, 'currency', refund.currency,
				'status', refund.status, 'failure', refund.failure_reason)`
		},
		{
			what: 'movement',
			...one('billing'),
			from: Prisma.sql`mrr_movements AS movement
				JOIN subscriptions AS subscription ON subscription.id = movement.subscription_id
				JOIN plans AS plan ON plan.id = subscription.plan_id`,
			where: scope.movements,
			at: Prisma.sql`movement.at`,
			id: Prisma.sql`movement.id::text`,
			data: Prisma.sql`jsonb_build_object('amount', movement.amount, 'currency', movement.currency,
				'kind', movement.kind, 'plan', plan.name)`
		},
		{
			what: 'mail',
			...one('mails'),
			from: Prisma.sql`email_messages AS mail`,
			where: scope.mails,
			at: Prisma.sql`mail.created_at`,
			id: Prisma.sql`mail.id::text`,
			data: Prisma.sql`jsonb_build_object('template', mail.template, 'subject', mail.subject,
				'to', mail.to_address, 'status', mail.status)`
		},
		...alertBranches(scope)
	];
}

function runBranches({ runs }: TimelineScope): Branch[] {
	const run = { ...one('runs'), from: Prisma.sql`provisioning_jobs AS run`, where: runs };
	const id = Prisma.sql`run.id::text`;
	return [
		{
			...run,
			what: 'run.started',
			at: Prisma.sql`run.created_at`,
			id,
			data: Prisma.sql`jsonb_build_object('run', run.id, 'saga', run.saga)`
		},
		{
			...run,
			what: 'run.ended',
			at: Prisma.sql`run.finished_at`,
			id,
			data: Prisma.sql`jsonb_build_object('run', run.id, 'saga', run.saga, 'status', run.status)`
		},
		{
			...run,
			what: 'step.failed',
			// Only the last word of a step is logged as an error: what a later attempt has overcome is for the log.
			from: Prisma.sql`provisioning_jobs AS run JOIN provisioning_steps AS step ON step.job_id = run.id
				CROSS JOIN LATERAL (
					SELECT max(line.at) AS at FROM log_entries line
					WHERE line.job_id = run.id AND line.step_name = step.name AND line.level = 'error') AS failure`,
			where: Prisma.sql`${runs} AND step.status IN ('failed', 'undone')`,
			at: Prisma.sql`failure.at`,
			id: Prisma.sql`step.id::text`,
			data: Prisma.sql`jsonb_build_object('run', run.id, 'step', step.name, 'errorCode', step.error_code,
				'errorParams', step.error_params, 'error', step.error)`
		}
	];
}

function invoiceBranches({ invoices }: TimelineScope): Branch[] {
	const invoice = { ...one('billing'), from: Prisma.sql`invoices AS invoice`, where: invoices };
	const money = Prisma.sql`'amount', invoice.total, 'currency', invoice.currency, 'number', invoice.number`;
	return [
		{
			...invoice,
			what: 'invoice.issued',
			at: Prisma.sql`coalesce(invoice.issued_at, invoice.created_at)`,
			id: Prisma.sql`invoice.id::text`,
			data: Prisma.sql`jsonb_build_object(${money}, 'status', invoice.status)`
		},
		{
			...invoice,
			what: 'invoice.paid',
			at: Prisma.sql`invoice.paid_at`,
			id: Prisma.sql`invoice.id::text`,
			data: Prisma.sql`jsonb_build_object(${money})`
		},
		{
			...invoice,
			what: 'payment.failed',
			from: Prisma.sql`invoices AS invoice
				JOIN payment_attempts AS attempt ON attempt.customer_id = invoice.customer_id AND attempt.invoice_id = invoice.id`,
			where: Prisma.sql`${invoices} AND attempt.status <> 'succeeded'
				AND coalesce(attempt.message, attempt.decline_code) IS NOT NULL`,
			at: Prisma.sql`attempt.at`,
			id: Prisma.sql`attempt.id::text`,
			data: Prisma.sql`jsonb_build_object('amount', attempt.amount, 'currency', attempt.currency,
				'number', invoice.number, 'message', coalesce(attempt.message, attempt.decline_code))`
		}
	];
}

function alertBranches({ alerts }: TimelineScope): Branch[] {
	const alert = { ...one('alerts'), from: Prisma.sql`alerts AS alert`, where: alerts };
	const id = Prisma.sql`alert.id::text`;
	return [
		{
			...alert,
			what: 'alert.opened',
			at: Prisma.sql`alert.opened_at`,
			id,
			data: Prisma.sql`jsonb_build_object('rule', alert.rule, 'data', alert.data, 'severity', alert.severity)`
		},
		{
			...alert,
			what: 'alert.closed',
			at: Prisma.sql`alert.closed_at`,
			id,
			data: Prisma.sql`jsonb_build_object('rule', alert.rule, 'data', alert.data)`
		}
	];
}

function one(kind: TimelineKind): Pick<Branch, 'kind' | 'kinds'> {
	return { kind: Prisma.sql`${kind}::text`, kinds: [kind] };
}

function encode({ at, id }: TimelineEntry): string {
	return Buffer.from(JSON.stringify([at.toISOString(), id])).toString('base64url');
}

function decode(cursor: string): { at: string; id: string } {
	try {
		const [at, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
		if (typeof at !== 'string' || typeof id !== 'string') throw new TypeError();
		if (new Date(at).toISOString() === at && /^[a-z.]+:[0-9a-f-]{36}$/.test(id)) return { at, id };
	} catch {
		// Falls through to the refusal: it was no cursor at all.
	}
	throw new AppError('BAD_INPUT', { fields: { cursor: new AppError('BAD_INPUT').sentence } });
}
