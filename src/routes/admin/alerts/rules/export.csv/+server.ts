import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { alertSeverity } from '#lib/notifications/alertWords.ts';
import { ruleTitle } from '#lib/notifications/alerts/metricWords.ts';
import { listRules, RULE_LIST, type RuleRow } from '#lib/notifications/alerts/ruleList.server.ts';
import { channelsText, ruleState } from '#lib/notifications/alerts/ruleWords.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the rules that the list's search and filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'notifications:read');
	const query = parseListQuery(event.url, RULE_LIST);
	const columns: CsvColumn<RuleRow>[] = [
		{ label: m.alert_rule(), value: (row) => row.key },
		{ label: m.alert_rule_metric(), value: (row) => ruleTitle(row, row.facts ?? undefined) },
		{ label: m.alert_rule_threshold(), value: (row) => row.threshold },
		{ label: m.alert_rule_samples(), value: (row) => row.samples },
		{ label: m.alert_rule_hysteresis(), value: (row) => row.hysteresis },
		{ label: m.alert_severity(), value: (row) => alertSeverity(row.severity).label },
		{ label: m.alert_rule_critical_at(), value: (row) => row.criticalAt },
		{ label: m.alert_rule_channels(), value: (row) => channelsText(row.channels) },
		{ label: m.alert_rule_state(), value: (row) => ruleState(row).label },
		{ label: m.alert_rule_open(), value: (row) => row.open }
	];
	return csvOfList('reglas.csv', columns, (page) => listRules(db, { ...query, ...page }));
};
