import { failuresAfter, play, type PlayedCase } from '#lib/billing/dunningSimulator.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { inMajorUnits } from '#lib/core/money.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { csvHeader, csvRow, type CsvColumn } from '#lib/ui/csv.ts';
import { csvResponse } from '#lib/ui/csv-response.ts';
import { comparedPolicies } from '../simulation.server.ts';
import type { RequestHandler } from './$types';

interface Row {
	before: PlayedCase;
	after: PlayedCase | null;
}

const BATCH = 500;

/** Every failed payment with what either policy would have done, read and played while it is sent. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'billing:read');
	const compared = await comparedPolicies(event.url);
	if (!compared) throw new AppError('NOT_FOUND');
	const { current, proposed } = compared;
	const all = columns();
	return csvResponse('simulacion-cobranza.csv', csvHeader(all), async (cursor) => {
		const { failures, next } = await failuresAfter(db, cursor, BATCH);
		const before = await play(current.stages, failures);
		const after = proposed && (await play(proposed, failures));
		const rows = before.map((played, index) =>
			csvRow(all, { before: played, after: after?.[index] ?? null })
		);
		return { text: rows.join(''), next };
	});
};

function columns(): CsvColumn<Row>[] {
	const { failure }: Record<'failure', (row: Row) => PlayedCase['failure']> = {
		failure: (row) => row.before.failure
	};
	const of = (label: string, which: 'before' | 'after'): CsvColumn<Row>[] => [
		{ label: `${label}: ${m.dunning_sim_mails()}`, value: (row) => row[which]?.mails },
		{ label: `${label}: ${m.dunning_act_read_only()}`, value: (row) => row[which]?.readOnlyAt },
		{ label: `${label}: ${m.dunning_act_suspend()}`, value: (row) => row[which]?.suspendedAt },
		{ label: `${label}: ${m.dunning_act_delete()}`, value: (row) => row[which]?.deletedAt }
	];
	return [
		{ label: m.tenants_company(), value: (row) => failure(row).company },
		{ label: m.invoice_number(), value: (row) => failure(row).number },
		{
			label: m.dunning_sim_amount(),
			value: (row) => inMajorUnits(failure(row).amount, failure(row).currency)
		},
		{ label: m.dunning_currency(), value: (row) => failure(row).currency.toUpperCase() },
		{ label: m.dunning_sim_failed_at(), value: (row) => failure(row).failedAt },
		{ label: m.dunning_sim_paid_at(), value: (row) => failure(row).paidAt },
		{ label: m.subscription_paid_through(), value: (row) => failure(row).paidThrough },
		...of(m.dunning_sim_current(), 'before'),
		...of(m.dunning_sim_proposed(), 'after')
	];
}
