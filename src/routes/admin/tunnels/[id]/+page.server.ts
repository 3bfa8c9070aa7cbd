import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import {
	isUnseen,
	requestDeletion,
	requestRestart,
	revealToken,
	setHost
} from '#lib/domains/tunnels/tunnelActs.server.ts';
import { requestRepair } from '#lib/domains/tunnels/tunnelDrift.server.ts';
import { tunnelHostForm } from '#lib/domains/tunnels/tunnelForms.ts';
import { listTunnelHosts, TUNNEL_HOST_LIST } from '#lib/domains/tunnels/tunnelHosts.server.ts';
import { tunnelRows } from '#lib/domains/tunnels/tunnelList.server.ts';
import { CHANGE_LIST, lastDrift, listChanges } from '#lib/domains/tunnels/tunnelLog.server.ts';
import { findTunnel, keepers, tunnelUse } from '#lib/domains/tunnels/tunnelUse.server.ts';
import { readDiff } from '#lib/domains/tunnels/tunnelView.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { setting } from '#lib/settings/settings.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'domains:read');
	const { id } = event.params;
	const [tunnel] = z.uuid().safeParse(id).success ? await tunnelRows(db, [id]) : [];
	if (!tunnel) throw new AppError('NOT_FOUND');
	const tab = event.url.searchParams.get('tab');
	const drift = tunnel.driftedAt ? await lastDrift(db, id) : null;
	return {
		tunnel,
		tokenUnseen: await isUnseen(db, tunnel),
		keeps: keepers(await tunnelUse(db, id)),
		drift:
			drift && tunnel.driftedAt ? { since: tunnel.driftedAt, diff: readDiff(drift.diff) } : null,
		repairsItself: (await setting('cloudflare.tunnel_repair')) === 'automatic',
		hosts:
			tab === 'hosts'
				? await listTunnelHosts(db, id, parseListQuery(event.url, TUNNEL_HOST_LIST))
				: null,
		changes: tab === 'changes' ? await changesOf(id, event.url) : null,
		nodes: await db.node.findMany({
			where: { removedAt: null },
			orderBy: { name: 'asc' },
			select: { id: true, name: true }
		}),
		mayWrite: staff.permissions.has('domains:write') && !tunnel.deletedAt,
		maySeeTenants: staff.permissions.has('tenants:read'),
		crumbs: [{ label: m.admin_nav_tunnels(), href: '/admin/tunnels' }, { label: tunnel.name }]
	};
};

async function changesOf(id: string, url: URL) {
	const { rows, meta } = await listChanges(db, id, parseListQuery(url, CHANGE_LIST));
	return { rows: rows.map((row) => ({ ...row, diff: readDiff(row.diff) })), meta };
}

const repairForm = z.object({ foreign: z.enum(['keep', 'remove']), seen: z.string().max(100) });

export const actions: Actions = {
	repair: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, repairForm, async ({ foreign, seen }) => {
			const wish = { foreign, seen: seen || undefined };
			await transaction((tx) => requestRepair(tx, event.params.id, wish, by));
			return { message: m.tunnels_repair_asked() };
		});
	},
	restart: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await transaction((tx) => requestRestart(tx, event.params.id, by));
			return { message: m.tunnels_restart_asked() };
		});
	},
	/** The first look: whoever made the tunnel installs it. */
	token: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => ({
			token: await revealToken(event.params.id, by, true)
		}));
	},
	token_again: (event) => {
		requireStaff(event, 'domains:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => ({
			token: await revealToken(event.params.id, by, false)
		}));
	},
	host: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, tunnelHostForm, async (host) => {
			await transaction((tx) => setHost(tx, event.params.id, host, by));
			return { message: m.tunnels_where_saved() };
		});
	},
	delete: (event) => {
		requireStaff(event, 'domains:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = z.object({ confirm: z.string().trim() });
		return answerForm(event.request, form, async ({ confirm }) => {
			await transaction(async (tx) => {
				const { name } = await findTunnel(tx, event.params.id);
				if (confirm !== name)
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.ui_type_to_confirm({ name }) }
					});
				await requestDeletion(tx, event.params.id, by);
			});
			return { message: m.tunnels_delete_asked() };
		});
	}
};
