import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { LOG_LEVELS, logLines, SHOWN, watchLog } from '#lib/domains/tunnels/connectorLog.server.ts';
import { hostView, shownLine } from '#lib/domains/tunnels/connectorView.server.ts';
import { tunnelRows } from '#lib/domains/tunnels/tunnelList.server.ts';
import { findTunnel } from '#lib/domains/tunnels/tunnelUse.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

const queryOf = (url: URL) => ({
	level: z.enum(LOG_LEVELS).catch('debug').parse(url.searchParams.get('level')),
	q: (url.searchParams.get('q') ?? '').trim().slice(0, 200),
	lines: SHOWN
});

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'domains:read');
	const { id } = event.params;
	const [tunnel] = z.uuid().safeParse(id).success ? await tunnelRows(db, [id]) : [];
	if (!tunnel) throw new AppError('NOT_FOUND');
	// Whoever looks has it followed, for as long as this page comes again; where nobody can go, nobody is sent.
	if (tunnel.hostNodeId && !tunnel.deletedAt) await watchLog(id);
	return {
		tunnel,
		host: await hostView(db, tunnel),
		lines: (await logLines(db, id, queryOf(event.url))).map(shownLine),
		mayWrite: staff.permissions.has('domains:write') && !tunnel.deletedAt,
		crumbs: [
			{ label: m.admin_nav_tunnels(), href: '/admin/tunnels' },
			{ label: tunnel.name, href: `/admin/tunnels/${id}` },
			{ label: m.tunnels_log() }
		]
	};
};

export const actions: Actions = {
	check: (event) => {
		requireStaff(event, 'domains:read');
		return answerForm(event.request, z.object({}), async () => {
			await transaction(async (tx) => {
				const { id } = await findTunnel(tx, event.params.id);
				await enqueue(tx, 'tunnels.check-host', { tunnelId: id }, { key: id });
			});
			return { message: m.tunnels_host_check_asked() };
		});
	}
};
