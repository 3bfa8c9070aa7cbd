import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { IMPORT_MAX_BYTES, IMPORT_MAX_ROWS, readImportFile } from '#lib/customers/importFile.ts';
import { beginImport } from '#lib/customers/imports.server.ts';
import { IMPORT_LIST, listImports } from '#lib/customers/importList.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'customers:write');
	return {
		...(await listImports(db, parseListQuery(event.url, IMPORT_LIST))),
		limits: { bytes: IMPORT_MAX_BYTES, rows: IMPORT_MAX_ROWS },
		crumbs: [
			{ label: m.admin_nav_customers_list(), href: '/admin/customers' },
			{ label: m.customers_imports() }
		]
	};
};

const form = z.object({
	file: z.instanceof(File, { error: () => m.import_file_missing() })
});

export const actions: Actions = {
	default: (event) => {
		requireStaff(event, 'customers:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, form, async ({ file }) => {
			if (file.size === 0 && !file.name) throw beside(m.import_file_missing());
			const read = readImportFile(new Uint8Array(await file.arrayBuffer()));
			if ('problem' in read) throw beside(read.problem);
			const { id } = await transaction((tx) =>
				beginImport(tx, { name: file.name, rows: read.rows }, by)
			);
			const left = read.unknown.slice(0, 10).join(', ').slice(0, 200);
			redirect(
				303,
				`/admin/customers/imports/${id}${left ? `?unknown=${encodeURIComponent(left)}` : ''}`
			);
		});
	}
};

function beside(sentence: string): AppError {
	return new AppError('BAD_INPUT', { fields: { file: sentence } });
}
