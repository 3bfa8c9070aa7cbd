import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { checkBase } from '#lib/domains/base/baseChecks.server.ts';
import { baseDomainForm, editedBaseForm, oneBaseForm } from '#lib/domains/base/baseDomainForms.ts';
import {
	addBaseDomain,
	editBaseDomain,
	findBaseDomain,
	listBaseDomains,
	makeDefaultBase,
	removeBaseDomain,
	whyNotRemovable
} from '#lib/domains/base/baseDomains.server.ts';
import { askForPreparation } from '#lib/domains/base/basePrepare.server.ts';
import { obstacleOf } from '#lib/domains/base/baseWords.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'domains:read');
	const rows = await listBaseDomains(db);
	const bases = await Promise.all(
		rows.map(async (row) => ({
			...row,
			obstacle: obstacleOf(row.obstacle),
			stays: await whyNotRemovable(db, row)
		}))
	);
	const byName = { orderBy: { name: 'asc' as const }, select: { id: true, name: true } };
	return {
		bases,
		tunnels: await db.tunnel.findMany({ where: { deletedAt: null }, ...byName }),
		edgeServers: await db.edgeServer.findMany(byName),
		mayWrite: staff.permissions.has('domains:write'),
		crumbs: [{ label: m.domains_title(), href: '/admin/domains' }, { label: m.domains_tab_base() }],
		// Not waited for: the page stands, and what Cloudflare says comes when it comes.
		checks: Promise.all(
			bases.map(async ({ id, name, tunnel }) => ({
				id,
				checks: await checkBase({ name, tunnelCloudflareId: tunnel.cloudflareId }).catch(() => null)
			}))
		)
	};
};

/** What Cloudflare says of a domain and a tunnel of ours. @throws {AppError} BAD_INPUT */
async function checksOf(name: string, tunnelId: string) {
	const tunnel = await db.tunnel.findFirst({ where: { id: tunnelId, deletedAt: null } });
	if (!tunnel) throw new AppError('BAD_INPUT', { fields: { tunnel: m.domains_base_no_tunnel() } });
	return checkBase({ name, tunnelCloudflareId: tunnel.cloudflareId });
}

export const actions: Actions = {
	add: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, baseDomainForm, async (input) => {
			const checks = await checksOf(input.name, input.tunnelId);
			const { name } = await transaction((tx) => addBaseDomain(tx, input, checks, { by }));
			return { message: m.domains_base_added({ name }) };
		});
	},
	edit: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, editedBaseForm, async ({ base, version, ...input }) => {
			const { name } = await findBaseDomain(db, base);
			const checks = await checksOf(name, input.tunnelId);
			await transaction((tx) => editBaseDomain(tx, base, input, checks, { by, seen: version }));
			return { message: m.domains_base_saved({ name }) };
		});
	},
	makeDefault: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, oneBaseForm, async ({ base }) => {
			const { name } = await transaction((tx) => makeDefaultBase(tx, base, { by }));
			return { message: m.domains_base_is_default({ name }) };
		});
	},
	prepare: (event) => {
		requireStaff(event, 'domains:write');
		const form = oneBaseForm.extend({ replace: z.literal('on').optional() });
		return answerForm(event.request, form, async ({ base, replace }) => {
			await transaction(async (tx) => {
				await findBaseDomain(tx, base);
				await askForPreparation(tx, base, { replace: replace === 'on' });
			});
			return { message: m.domains_base_retried() };
		});
	},
	remove: (event) => {
		requireStaff(event, 'domains:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = oneBaseForm.extend({ confirm: z.string().trim().default('') });
		return answerForm(event.request, form, async ({ base, confirm }) => {
			const { name } = await findBaseDomain(db, base);
			if (confirm !== name)
				throw new AppError('BAD_INPUT', {
					fields: { confirm: m.ui_type_to_confirm({ name }) }
				});
			await transaction((tx) => removeBaseDomain(tx, base, { by }));
			return { message: m.domains_base_removed({ name }) };
		});
	}
};
