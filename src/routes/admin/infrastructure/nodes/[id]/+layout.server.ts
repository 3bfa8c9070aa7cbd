import { db } from '#lib/core/db.server.ts';
import { hasSteppedUp, requireStaff } from '#lib/identity/guard.server.ts';
import { nodeHead } from '#lib/infrastructure/nodes/nodePage.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'infrastructure:read');
	const node = await nodeHead(db, event.params.id);
	return {
		node,
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		may: {
			write: permissions.has('infrastructure:write') && !node.removedAt,
			tenants: permissions.has('tenants:read')
		},
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: node.name, mono: true }
		]
	};
};
