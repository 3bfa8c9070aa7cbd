import { json } from '@sveltejs/kit';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { alertMetric } from '#lib/notifications/alerts/alertMetrics.server.ts';
import { dryRun } from '#lib/notifications/alerts/dryRun.server.ts';
import { ruleTermsForm } from '#lib/notifications/alerts/ruleForms.ts';
import { checked } from '#lib/notifications/alerts/rules.server.ts';
import type { RequestHandler } from './$types';

/** What a rule with the terms of the address would say now, for who is typing them. Null: they are not right yet. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'notifications:read');
	const given = Object.fromEntries(event.url.searchParams);
	const metric = alertMetric(given.metric ?? '');
	const terms = ruleTermsForm.safeParse(given);
	if (!metric || !terms.success) return json(null);
	try {
		return json(await dryRun(db, metric, checked(terms.data, metric)));
	} catch (error) {
		if (error instanceof AppError && error.code === 'BAD_INPUT') return json(null);
		throw error;
	}
};
