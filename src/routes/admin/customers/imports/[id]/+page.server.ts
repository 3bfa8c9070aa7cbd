import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { IMPORT_LINE_LIST, listImportLines } from '#lib/customers/importLines.server.ts';
import { cancelImport, findImport, startImport } from '#lib/customers/imports.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'customers:write');
	const order = await findImport(db, event.params.id);
	const query = parseListQuery(event.url, IMPORT_LINE_LIST);
	const looked = await db.customerImportLine.count({
		where: { importId: order.id, status: { not: 'pending' } }
	});
	return {
		order,
		looked,
		...(await listImportLines(db, order.id, query)),
		crumbs: [
			{ label: m.admin_nav_customers_list(), href: '/admin/customers' },
			{ label: m.customers_imports(), href: '/admin/customers/imports' },
			{ label: order.fileName }
		]
	};
};

export const actions: Actions = {
	start: (event) => {
		requireStaff(event, 'customers:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await transaction(async (tx) => {
				const { id } = await findImport(tx, event.params.id);
				await startImport(tx, id, by);
			});
			return { message: m.import_started() };
		});
	},
	cancel: (event) => {
		requireStaff(event, 'customers:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await transaction(async (tx) => {
				const { id } = await findImport(tx, event.params.id);
				await cancelImport(tx, id, by);
			});
			return { message: m.import_cancelled() };
		});
	}
};
