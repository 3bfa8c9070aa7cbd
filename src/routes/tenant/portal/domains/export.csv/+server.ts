import { asCustomer } from '#lib/core/db.server.ts';
import type { DomainRow } from '#lib/domains/custom/domainList.server.ts';
import { certificateWord, domainStatus } from '#lib/domains/custom/domainStateWords.ts';
import { listOwnDomains, OWN_DOMAIN_LIST } from '#lib/domains/custom/ownDomains.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** The company's domains that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	const { scope, customerId } = requireCustomer(event, 'domains:read');
	const query = parseListQuery(event.url, OWN_DOMAIN_LIST);
	const columns: CsvColumn<DomainRow>[] = [
		{ label: m.domains_list_domain(), value: (row) => row.hostname },
		{ label: m.domains_list_unicode(), value: (row) => row.unicode },
		{ label: m.domains_own_instance(), value: (row) => row.platformHost },
		{ label: m.domains_list_status(), value: (row) => domainStatus(row.status).label },
		{ label: m.domains_list_certificate(), value: (row) => certificateWord(row.certificate) },
		{ label: m.domains_list_certificate_until(), value: (row) => row.certificateExpiresAt },
		{
			label: m.domains_list_primary(),
			value: (row) => (row.isPrimary ? m.ui_yes() : m.ui_no())
		},
		{ label: m.domains_list_redirects_to(), value: (row) => row.redirectTo },
		{ label: m.domains_list_since(), value: (row) => row.createdAt },
		{ label: m.domains_list_activated(), value: (row) => row.activatedAt }
	];
	return csvOfList('dominios.csv', columns, (page) =>
		asCustomer(scope, (tx) => listOwnDomains(tx, customerId, { ...query, ...page }))
	);
};
