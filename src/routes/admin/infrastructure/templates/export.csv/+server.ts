import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	listTemplates,
	TEMPLATE_LIST,
	type TemplateRow
} from '#lib/infrastructure/templates/templateList.server.ts';
import { templateKind, templateStatus } from '#lib/infrastructure/templates/templateWords.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the templates that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, TEMPLATE_LIST);
	const columns: CsvColumn<TemplateRow>[] = [
		{ label: m.template_one(), value: (row) => row.container.hostname },
		{ label: 'VMID', value: (row) => row.container.vmid },
		{ label: 'Odoo', value: (row) => row.odooVersion },
		{ label: m.template_kind(), value: (row) => templateKind(row.kind) },
		{ label: m.infrastructure_cluster(), value: (row) => row.cluster.name },
		{ label: m.tenants_node(), value: (row) => row.container.node.name },
		{ label: m.tenants_status(), value: (row) => templateStatus(row.status).label },
		{ label: m.template_current(), value: (row) => (row.current ? m.ui_yes() : m.ui_no()) },
		{ label: m.template_source(), value: (row) => row.packagesPath ?? row.gitUrl },
		{ label: m.template_made(), value: (row) => row.createdAt }
	];
	return csvOfList('plantillas.csv', columns, (page) => listTemplates(db, { ...query, ...page }));
};
