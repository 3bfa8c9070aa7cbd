import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { alertMetric, alertMetricFacts } from '#lib/notifications/alerts/alertMetrics.server.ts';
import { dryRun } from '#lib/notifications/alerts/dryRun.server.ts';
import { ruleForm } from '#lib/notifications/alerts/ruleForms.ts';
import { editRule, findRule, removeRule } from '#lib/notifications/alerts/rules.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'notifications:read');
	const rule = await findRule(db, ruleId(event.params.id));
	const metric = alertMetric(rule.metric);
	return {
		rule,
		facts: alertMetricFacts().find(({ name }) => name === rule.metric) ?? null,
		preview: metric ? await dryRun(db, metric, rule) : null,
		open: await db.alert.count({ where: { rule: rule.key, closedAt: null } }),
		mayWrite: staff.permissions.has('notifications:write'),
		crumbs: [
			{ label: m.admin_nav_alerts(), href: '/admin/alerts' },
			{ label: m.alert_tab_rules(), href: '/admin/alerts/rules' },
			{ label: rule.key }
		]
	};
};

function ruleId(text: string): string {
	const id = z.uuid().safeParse(text);
	if (!id.success) throw new AppError('NOT_FOUND');
	return id.data;
}

const saved = z.intersection(ruleForm, z.object({ seen: z.coerce.number().int() }));

export const actions: Actions = {
	save: (event) => {
		requireStaff(event, 'notifications:write');
		const by = actorOf(event.locals.auth!);
		const id = ruleId(event.params.id);
		return answerForm(event.request, saved, async ({ seen, ...input }) => {
			await transaction((tx) => editRule(tx, id, { seen, input, by }));
			return { message: m.alert_rule_saved() };
		});
	},
	remove: async (event) => {
		requireStaff(event, 'notifications:write');
		const by = actorOf(event.locals.auth!);
		const id = ruleId(event.params.id);
		const form = z.object({ confirm: z.string().trim() });
		const answer = await answerForm(event.request, form, async ({ confirm }) => {
			await transaction(async (tx) => {
				const { key } = await findRule(tx, id);
				if (confirm !== key)
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.ui_type_to_confirm({ name: key }) }
					});
				await removeRule(tx, id, by);
			});
			return null;
		});
		if (answer) return answer;
		redirect(303, '/admin/alerts/rules');
	}
};
