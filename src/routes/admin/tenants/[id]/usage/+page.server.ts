import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { usesOf } from '#lib/plans/uses.server.ts';
import { containerUsage } from '#lib/infrastructure/metrics/usage.server.ts';
import { setReadOnly } from '#lib/provisioning/readOnly.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'tenants:read');
	const { id, customerId, containerId, readOnlyAt, readOnlyReasons, readOnlyError, status } =
		await findTenant(db, event.params.id);
	const shared = {
		uses: await usesOf(db, { customerId, tenantId: id }),
		readOnly: { at: readOnlyAt, reasons: readOnlyReasons, error: readOnlyError },
		mayTake:
			staff.permissions.has('tenants:suspend') && (status === 'active' || status === 'degraded')
	};
	if (!containerId) return { ...shared, container: null, usage: null };
	const container = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		select: {
			vmid: true,
			hostname: true,
			purpose: true,
			status: true,
			cpuCores: true,
			ramMb: true,
			diskGb: true,
			slots: true,
			ipAddress: true,
			odooVersion: true,
			node: { select: { name: true } },
			tenants: {
				where: { status: { notIn: ['deleted', 'refunded'] } },
				orderBy: { slug: 'asc' },
				select: { id: true, slug: true }
			}
		}
	});
	return { ...shared, container, usage: await containerUsage(db, containerId) };
};

const form = z
	.object({
		on: z.enum(['true', 'false']),
		confirm: z.string().trim().optional(),
		reason: z.string().trim().max(500).default('')
	})
	.refine(({ on, reason }) => on === 'false' || reason.length >= 3, {
		path: ['reason'],
		error: () => m.invoice_reason_missing()
	});

export const actions: Actions = {
	/** Staff take writing from an instance, or lift what staff took; what money or a limit took stays. */
	read_only: (event) => {
		requireStaff(event, 'tenants:suspend');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, form, async (input) => {
			const on = input.on === 'true';
			await transaction(async (tx) => {
				const tenant = await findTenant(tx, event.params.id);
				if (on && input.confirm !== tenant.slug)
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.ui_type_to_confirm({ name: tenant.slug }) }
					});
				await setReadOnly(tx, tenant, { on, reason: 'staff', by, why: input.reason || undefined });
			});
			return { message: on ? m.usage_read_only_asked() : m.usage_read_only_lifted() };
		});
	}
};
