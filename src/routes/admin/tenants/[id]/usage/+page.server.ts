import { z } from 'zod';
import { DAY } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { usesOf } from '#lib/plans/uses.server.ts';
import { haOfContainer } from '#lib/infrastructure/ha/haView.server.ts';
import { metricCharts } from '#lib/infrastructure/metrics/charts.server.ts';
import { latestSample } from '#lib/infrastructure/metrics/series.server.ts';
import { setReadOnly } from '#lib/provisioning/readOnly.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import { uptimeOf } from '#lib/provisioning/uptime/uptime.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'tenants:read');
	const {
		id,
		customerId,
		planId,
		containerId,
		readOnlyAt,
		readOnlyReasons,
		readOnlyError,
		status
	} = await findTenant(db, event.params.id);
	const { slaBasisPoints } = await db.plan.findUniqueOrThrow({ where: { id: planId } });
	const zone = await setting('general.timezone');
	const shared = {
		uptime: await uptimeOf(db, { tenantId: id, customerId, slaBasisPoints, zone }),
		ha: containerId ? await haOfContainer(db, containerId) : null,
		uses: await usesOf(db, { customerId, tenantId: id }),
		readOnly: { at: readOnlyAt, reasons: readOnlyReasons, error: readOnlyError },
		mayTake:
			staff.permissions.has('tenants:suspend') && (status === 'active' || status === 'degraded')
	};
	if (!containerId) return { ...shared, container: null, latest: null, charts: null, own: null };
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
	const csv = `/admin/tenants/${id}/usage/metrics.csv`;
	const own = await metricCharts(db, event.url, { kind: 'tenant', id }, csv);
	const common = { kind: 'container', id: containerId } as const;
	return {
		...shared,
		container,
		latest: await latestSample(db, common, DAY),
		// What it shares with others is theirs, too; its own is how fast it answers.
		charts:
			container.purpose === 'shared'
				? await metricCharts(db, event.url, common, `${csv}?of=container`)
				: own,
		own: container.purpose === 'shared' ? own : null
	};
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
