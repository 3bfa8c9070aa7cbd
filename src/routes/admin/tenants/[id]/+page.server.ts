import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { domainsOf } from '#lib/domains/custom/staffDomain.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { deleteOrCancel, sendPaymentLink } from '#lib/provisioning/requests.server.ts';
import { migrationsOf } from '#lib/provisioning/moves/migrations.server.ts';
import { migrationAct } from '#lib/provisioning/moves/tenants/staffMoves.server.ts';
import {
	beginTenantMove,
	cancelTenantMove,
	confirmTenantMove,
	retryTenantMove
} from '#lib/provisioning/moves/tenants/tenantMoves.server.ts';
import { runsOfTenant } from '#lib/provisioning/runs.server.ts';
import { tenantAct } from '#lib/provisioning/tenantActs.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import {
	reactivate,
	retry,
	suspend,
	undoAndRefund,
	undoDeletion
} from '#lib/provisioning/tenants.server.ts';
import { SuspensionReason } from '#prisma/generated/enums.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'tenants:read');
	const { id } = event.params;
	return {
		...(await runsOfTenant(db, id, event.url.searchParams.get('run'))),
		domains: permissions.has('domains:read') ? await domainsOf(db, { tenantId: id }) : null,
		mayAddDomain: permissions.has('domains:write'),
		migrations: await migrationsOf(db, id),
		mayMove: permissions.has('infrastructure:write')
	};
};

const migration = z.object({ migration_id: z.uuid() });

/** The version that the person saw: what somebody changed since is not overwritten. */
const seen = z.object({ version: z.coerce.number().int() });

export const actions: Actions = {
	suspend: (event) => {
		requireStaff(event, 'tenants:suspend');
		const by = actorOf(event.locals.auth!);
		const form = seen.extend({ reason: z.enum(SuspensionReason) });
		return answerForm(event.request, form, async ({ version, reason }) => {
			await tenantAct(event.params.id, { version, done: ['suspended'] }, (tx, tenant) =>
				suspend(tx, tenant, { reason, by })
			);
			return { message: m.tenant_suspended_done() };
		});
	},
	reactivate: (event) => {
		requireStaff(event, 'tenants:reactivate');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, seen, async ({ version }) => {
			await tenantAct(event.params.id, { version, done: ['active'] }, (tx, tenant) =>
				reactivate(tx, tenant, { by })
			);
			return { message: m.tenant_reactivated_done() };
		});
	},
	delete: (event) => {
		requireStaff(event, 'tenants:delete');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = seen.extend({ confirm: z.string().trim() });
		return answerForm(event.request, form, async ({ version, confirm }) => {
			let isRequest = false;
			await tenantAct(
				event.params.id,
				{ version, done: ['deleting', 'deleted'] },
				async (tx, tenant) => {
					if (confirm !== tenant.slug)
						throw new AppError('BAD_INPUT', {
							fields: { confirm: m.tenant_confirm_differs({ name: tenant.slug }) }
						});
					isRequest = tenant.status === 'requested';
					await deleteOrCancel(tx, tenant, { by });
				}
			);
			return { message: isRequest ? m.tenant_cancel_done() : m.tenant_deletion_asked() };
		});
	},
	paymentLink: (event) => {
		requireStaff(event, 'tenants:create');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, seen, async ({ version }) => {
			await tenantAct(event.params.id, { version, done: ['requested'] }, (tx, tenant) =>
				sendPaymentLink(tx, tenant, { by })
			);
			return { message: m.tenant_link_sent() };
		});
	},
	undoDeletion: (event) => {
		requireStaff(event, 'tenants:delete');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, seen, async ({ version }) => {
			const done = ['active', 'degraded', 'suspended'] as const;
			await tenantAct(event.params.id, { version, done }, (tx, tenant) =>
				undoDeletion(tx, tenant, { by })
			);
			return { message: m.tenant_deletion_undone() };
		});
	},
	retry: (event) => {
		requireStaff(event, 'tenants:retry');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			const { id } = event.params;
			await transaction(async (tx) => retry(tx, await findTenant(tx, id), { by }));
			return { message: m.tenant_retry_done() };
		});
	},
	confirmMove: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		const form = migration.extend({ confirm: z.string().trim() });
		return answerForm(event.request, form, async ({ migration_id, confirm }) => {
			const { id, slug } = await findTenant(db, event.params.id);
			if (confirm !== slug)
				throw new AppError('BAD_INPUT', {
					fields: { confirm: m.tenant_confirm_differs({ name: slug }) }
				});
			await migrationAct(id, migration_id, (tx, found) => confirmTenantMove(tx, found, by));
			return { message: m.tenant_move_confirmed_done() };
		});
	},
	beginMove: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, migration, async ({ migration_id }) => {
			await migrationAct(event.params.id, migration_id, (tx, id) => beginTenantMove(tx, id, by));
			return { message: m.move_begun_early() };
		});
	},
	cancelMove: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, migration, async ({ migration_id }) => {
			await migrationAct(event.params.id, migration_id, (tx, id) => cancelTenantMove(tx, id, by));
			return { message: m.tenant_move_cancelled_done() };
		});
	},
	retryMove: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, migration, async ({ migration_id }) => {
			await migrationAct(event.params.id, migration_id, (tx, id) => retryTenantMove(tx, id, by));
			return { message: m.tenant_move_retried_done() };
		});
	},
	refund: (event) => {
		requireStaff(event, 'tenants:refund');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			const { id } = event.params;
			await transaction(async (tx) => undoAndRefund(tx, await findTenant(tx, id), { by }));
			return { message: m.tenant_refund_asked() };
		});
	}
};
