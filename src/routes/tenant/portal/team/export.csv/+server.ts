import { asCustomer } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { listMembers, MEMBER_LIST, type MemberRow } from '#lib/identity/memberList.server.ts';
import { customerRole } from '#lib/identity/roleWords.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import type { RequestHandler } from './$types';

/** Everybody of the company whom the search leaves. */
export const GET: RequestHandler = (event) => {
	const { scope, customerId } = requireCustomer(event, 'team:read');
	const query = parseListQuery(event.url, MEMBER_LIST);
	const columns: CsvColumn<MemberRow>[] = [
		{ label: m.portal_team_name(), value: ({ user }) => user.fullName },
		{ label: m.portal_team_email(), value: ({ user }) => user.email },
		{ label: m.portal_team_role(), value: ({ role }) => customerRole(role).label },
		{ label: m.portal_team_last(), value: ({ user }) => user.lastLoginAt }
	];
	return csvOfList('equipo.csv', columns, (page) =>
		asCustomer(scope, (tx) => listMembers(tx, customerId, { ...query, ...page }))
	);
};
