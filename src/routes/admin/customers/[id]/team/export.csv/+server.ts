import { db } from '#lib/core/db.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { listMembers, MEMBER_LIST, type MemberRow } from '#lib/identity/memberList.server.ts';
import { customerRole } from '#lib/identity/roleWords.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** The people of one company whom the search leaves. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'users:read');
	const { id } = await findCustomer(db, event.params.id);
	const query = parseListQuery(event.url, MEMBER_LIST);
	const columns: CsvColumn<MemberRow>[] = [
		{ label: m.portal_team_name(), value: ({ user }) => user.fullName },
		{ label: m.portal_team_email(), value: ({ user }) => user.email },
		{ label: m.portal_team_role(), value: ({ role }) => customerRole(role).label },
		{ label: m.portal_team_last(), value: ({ user }) => user.lastLoginAt }
	];
	return csvOfList(`equipo-${id.slice(-8)}.csv`, columns, (page) =>
		listMembers(db, id, { ...query, ...page })
	);
};
