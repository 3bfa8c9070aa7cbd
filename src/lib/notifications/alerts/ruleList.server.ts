import { Prisma, type AlertRule } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { alertMetric } from './alertMetrics.server.ts';
import type { AlertMetricFacts } from './metricWords.ts';

export const RULE_LIST = {
	sort: ['key'],
	defaultSort: 'key',
	filters: ['state', 'severity'],
	pageSize: 50
} satisfies ListSpec;

interface RuleQuery extends PageRequest {
	/** Looks in key and metric. */
	q: string;
	sort: { direction: 'asc' | 'desc' };
	/** `on`, `off` or `own`. */
	filters: { state?: string; severity?: string };
}

export interface RuleRow extends AlertRule {
	facts: Pick<AlertMetricFacts, 'unit' | 'worse' | 'hasHistory'> | null;
	/** Alerts of it that are open. */
	open: number;
}

/** One page of the rules, by key. */
export function listRules(
	tx: Tx,
	{ q, filters, ...query }: RuleQuery
): Promise<{ rows: RuleRow[]; meta: PageMeta }> {
	const conditions = [Prisma.sql`true`];
	if (filters.state === 'on') conditions.push(Prisma.sql`rule.enabled`);
	if (filters.state === 'off') conditions.push(Prisma.sql`NOT rule.enabled`);
	if (filters.state === 'own') conditions.push(Prisma.sql`NOT rule.built_in`);
	if (filters.severity) conditions.push(Prisma.sql`rule.severity::text = ${filters.severity}`);
	if (q)
		conditions.push(Prisma.sql`lower(concat_ws(' ', rule.key, rule.metric)) LIKE ${contains(q)}`);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`alert_rules AS rule`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`rule.key`,
			sortType: 'text',
			direction: query.sort.direction,
			id: Prisma.sql`rule.id`
		},
		query,
		(id) => rowsOf(tx, id.in)
	);
}

async function rowsOf(tx: Tx, ids: string[]): Promise<RuleRow[]> {
	const rules = await tx.alertRule.findMany({ where: { id: { in: ids } } });
	const counts = await tx.alert.groupBy({
		by: ['rule'],
		where: { closedAt: null, rule: { in: rules.map(({ key }) => key) } },
		_count: true
	});
	const open = new Map(counts.map(({ rule, _count }) => [rule, _count]));
	return rules.map((rule) => {
		const metric = alertMetric(rule.metric);
		const { unit, worse, hasHistory } = metric ?? {};
		return {
			...rule,
			facts: unit && worse ? { unit, worse, hasHistory: hasHistory ?? false } : null,
			open: open.get(rule.key) ?? 0
		};
	});
}

/** Names of all rules, those without a row included that have opened an alert, for filters and silences. */
export async function ruleKeys(tx: Tx): Promise<string[]> {
	const rows = await tx.$queryRaw<{ key: string }[]>`
		SELECT key FROM alert_rules
		UNION SELECT rule FROM (SELECT DISTINCT rule FROM alerts WHERE closed_at IS NULL OR opened_at > now() - interval '90 days') seen
		ORDER BY 1 LIMIT 200`;
	return rows.map(({ key }) => key);
}
