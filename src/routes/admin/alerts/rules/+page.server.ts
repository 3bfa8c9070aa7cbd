import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { listRules, RULE_LIST } from '#lib/notifications/alerts/ruleList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'notifications:read');
	return {
		...(await listRules(db, parseListQuery(event.url, RULE_LIST))),
		mayWrite: staff.permissions.has('notifications:write'),
		crumbs: [{ label: m.admin_nav_alerts(), href: '/admin/alerts' }, { label: m.alert_tab_rules() }]
	};
};
