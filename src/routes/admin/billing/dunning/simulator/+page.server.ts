import { requireStaff } from '#lib/identity/guard.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';
import { simulationOf } from './simulation.server.ts';
import type { PageServerLoad } from './$types';

/** Cases shown on the page; the CSV has them all. */
const SHOWN = 100;

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'billing:read');
	const simulation = await simulationOf(event.url);
	if (!simulation) throw new AppError('NOT_FOUND');
	const { before, after, ...rest } = simulation;
	// What the two do differently is what one looks for.
	const rows = before.map((played, index) => ({
		id: played.failure.id,
		before: played,
		after: after?.[index] ?? null
	}));
	const differs = (row: (typeof rows)[number]) =>
		row.after !== null &&
		(Boolean(row.after.suspendedAt) !== Boolean(row.before.suspendedAt) ||
			Boolean(row.after.deletedAt) !== Boolean(row.before.deletedAt));
	return {
		...rest,
		cases: rows.length,
		differing: rows.filter(differs).length,
		rows: [...rows.filter(differs), ...rows.filter((row) => !differs(row))].slice(0, SHOWN),
		crumbs: [
			{ label: m.admin_nav_billing(), href: '/admin/billing' },
			{ label: m.dunning_title(), href: '/admin/billing/dunning' },
			{ label: m.dunning_simulator() }
		]
	};
};
