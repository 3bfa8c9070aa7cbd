import { db } from '#lib/core/db.server.ts';
import { driverLabel } from '#lib/domains/base/baseWords.ts';
import {
	DOMAIN_LIST,
	type DomainRow,
	listDomainRows
} from '#lib/domains/custom/domainList.server.ts';
import { certificateWord, domainStatus } from '#lib/domains/custom/domainStateWords.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'domains:read');
	const query = parseListQuery(event.url, DOMAIN_LIST);
	return csvOfList('dominios.csv', domainColumns(), (page) =>
		listDomainRows(db, { ...query, ...page })
	);
};

function domainColumns(): CsvColumn<DomainRow>[] {
	return [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.domains_list_domain(), value: (row) => row.hostname },
		{ label: m.domains_list_unicode(), value: (row) => row.unicode },
		{ label: m.domains_list_platform(), value: (row) => row.platformHost },
		{ label: m.domains_list_customer(), value: (row) => row.companyName },
		{ label: m.domains_list_status(), value: (row) => domainStatus(row.status).label },
		{ label: m.domains_list_certificate(), value: (row) => certificateWord(row.certificate) },
		{ label: m.domains_list_issuer(), value: (row) => row.certificateIssuer },
		{ label: m.domains_list_certificate_until(), value: (row) => row.certificateExpiresAt },
		{
			label: m.domains_list_primary(),
			value: (row) => (row.isPrimary ? m.ui_yes() : m.ui_no())
		},
		{ label: m.domains_list_redirects_to(), value: (row) => row.redirectTo },
		{ label: m.domains_list_driver(), value: (row) => driverLabel(row.driver) },
		{ label: m.domains_list_since(), value: (row) => row.createdAt },
		{ label: m.domains_list_verified(), value: (row) => row.verifiedAt },
		{ label: m.domains_list_activated(), value: (row) => row.activatedAt }
	];
}
