import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { issueTicket, LONGEST_HOURS } from '#lib/infrastructure/console/consoleSessions.server.ts';
import { hasSsh } from '#lib/infrastructure/console/consoleTarget.server.ts';
import { takesTokens } from '#lib/infrastructure/nodes/discovery.ts';
import { m } from '#i18n/paraglide/messages.js';
import { setting } from '#lib/settings/settings.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:console');
	const { id } = event.params;
	if (!z.uuid().safeParse(id).success) throw new AppError('NOT_FOUND');
	const container = await db.container.findFirst({
		where: { id, deletedAt: null },
		select: {
			id: true,
			hostname: true,
			status: true,
			node: { select: { proxmoxVersion: true } },
			tenants: { select: { slug: true }, orderBy: { slug: 'asc' } }
		}
	});
	if (!container) throw new AppError('NOT_FOUND');
	const { node, ...shown } = container;
	const base = '/admin/infrastructure';
	return {
		container: shown,
		needsWorker: !takesTokens(node.proxmoxVersion) && !hasSsh(),
		idleMinutes: await setting('infrastructure.console_idle_minutes'),
		longestHours: LONGEST_HOURS,
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: base },
			{ label: m.infrastructure_containers(), href: `${base}?tab=containers` },
			{ label: container.hostname, href: `${base}/containers/${id}`, mono: true },
			{ label: m.console_title() }
		]
	};
};

export const actions: Actions = {
	open: (event) => {
		requireStaff(event, 'infrastructure:console');
		requireStepUp(event);
		const auth = event.locals.auth!;
		return answerForm(event.request, z.object({}), async () => ({
			ticket: await transaction((tx) => issueTicket(tx, auth, event.params.id, event.locals.ip))
		}));
	}
};
