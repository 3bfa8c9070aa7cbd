import { db } from '#lib/core/db.server.ts';
import { hasSteppedUp, requireStaff } from '#lib/identity/guard.server.ts';
import {
	containerOfId,
	currentAct,
	heldNow
} from '#lib/infrastructure/containers/containerPage.server.ts';
import { openMoveOf } from '#lib/provisioning/moves/moveView.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'infrastructure:read');
	const container = await containerOfId(db, event.params.id);
	return {
		container,
		act: await currentAct(db, container.id),
		held: await heldNow(db, container),
		move: await openMoveOf(db, container.id),
		// Of a dangerous act the question comes first, so that nothing is typed twice.
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		may: {
			write: permissions.has('infrastructure:write'),
			console: permissions.has('infrastructure:console'),
			tenants: permissions.has('tenants:read')
		},
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.infrastructure_containers(), href: '/admin/infrastructure?tab=containers' },
			{ label: container.hostname, mono: true }
		]
	};
};
