import { redirect } from '@sveltejs/kit';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { moveFits } from '#lib/provisioning/moves/tenants/moveFits.server.ts';
import { moveTimeOf } from '#lib/provisioning/moves/moveTime.ts';
import { moveForStaff } from '#lib/provisioning/moves/tenants/staffMoves.server.ts';
import {
	destinationForm,
	tenantMoveForm
} from '#lib/provisioning/moves/tenants/tenantMoveForms.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:write');
	const tenant = await findTenant(db, event.params.id);
	const plan = await db.plan.findUniqueOrThrow({ where: { id: tenant.planId } });
	const asked = destinationForm.safeParse(Object.fromEntries(event.url.searchParams));
	const clusters = await db.cluster.findMany({
		orderBy: { name: 'asc' },
		select: {
			...{ id: true, name: true },
			nodes: {
				where: { removedAt: null },
				orderBy: { name: 'asc' },
				select: { id: true, name: true }
			}
		}
	});
	if (!asked.success) return { isolation: tenant.isolation, clusters, asked: null, fit: null };
	const { isolation, cluster_id: clusterId, node_id: nodeId } = asked.data;
	return {
		isolation: tenant.isolation,
		clusters,
		asked: asked.data,
		fit: await moveFits(db, tenant, { ...plan, isolation }, { clusterId, nodeId })
	};
};

export const actions: Actions = {
	move: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, tenantMoveForm, async (input) => {
			const { id, slug } = await findTenant(db, event.params.id);
			if (input.confirm !== slug)
				throw new AppError('BAD_INPUT', {
					fields: { confirm: m.tenant_confirm_differs({ name: slug }) }
				});
			await moveForStaff(
				id,
				{
					...{ toIsolation: input.isolation, clusterId: input.cluster_id, nodeId: input.node_id },
					...{ notBefore: moveTimeOf(input), reason: input.reason || null }
				},
				by
			);
			redirect(303, `/admin/tenants/${id}#moves`);
		});
	}
};
