import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { alertMetric, alertMetricFacts } from '#lib/notifications/alerts/alertMetrics.server.ts';
import { dryRun } from '#lib/notifications/alerts/dryRun.server.ts';
import { newRuleMetric, ruleForm } from '#lib/notifications/alerts/ruleForms.ts';
import { addRule } from '#lib/notifications/alerts/rules.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

/** What a new rule begins with, until somebody types something else. */
const BEGINNINGS = {
	percent: { threshold: 90, samples: 3, hysteresis: 5 },
	days: { threshold: 14, samples: 1, hysteresis: 1 },
	milliseconds: { threshold: 2_000, samples: 3, hysteresis: 500 },
	intervals: { threshold: 2, samples: 1, hysteresis: 0 },
	yes_no: { threshold: null, samples: 1, hysteresis: 0 }
};

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'notifications:write');
	const metrics = alertMetricFacts();
	const chosen = event.url.searchParams.get('metric') ?? '';
	const facts = metrics.find(({ name }) => name === chosen) ?? null;
	const metric = alertMetric(chosen);
	const rule = {
		...BEGINNINGS[facts?.unit ?? 'percent'],
		...{ severity: 'warning' as const, criticalAt: null, enabled: true },
		channels: ['web', 'webhook']
	};
	return {
		...{ metrics, facts, rule },
		preview: metric ? await dryRun(db, metric, rule) : null,
		crumbs: [
			{ label: m.admin_nav_alerts(), href: '/admin/alerts' },
			{ label: m.alert_tab_rules(), href: '/admin/alerts/rules' },
			{ label: m.alert_rule_new() }
		]
	};
};

const added = z.intersection(ruleForm, newRuleMetric);

export const actions: Actions = {
	default: async (event) => {
		requireStaff(event, 'notifications:write');
		const by = actorOf(event.locals.auth!);
		const answer = await answerForm(event.request, added, async ({ metric, ...input }) => ({
			rule: await transaction((tx) => addRule(tx, metric, { input, by }))
		}));
		if (!('rule' in answer)) return answer;
		redirect(303, `/admin/alerts/rules/${answer.rule.id}`);
	}
};
