import { after, HOUR, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { SagaStop, type Step, type StepResult } from '#lib/core/saga.server.ts';
import { readTakenVmids } from '../infrastructure/nodes/clients.server.ts';
import {
	placementRules,
	releaseContainer,
	reserveContainer,
	type Explanation
} from '../infrastructure/placement/placement.server.ts';
import { othersIn } from '../infrastructure/placement/slots.server.ts';
import { openAlert } from '../notifications/alerts.server.ts';
import { queueMail } from '../notifications/mail.server.ts';
import { setting } from '../settings/settings.server.ts';
import { placeOf } from './publishStep.server.ts';
import { stepMessage } from './stepMessages.ts';
import type { CreateTenantContext, CreateTenantState } from './stepTypes.ts';
import { somebodyIsFirst } from './turns.server.ts';

/** Seconds until a waiting set-up looks by itself; it is woken as soon as room appears. */
const LOOK_AGAIN = 300;
/** The same where a cluster did not say what it has. */
const ASK_AGAIN = 30;
/** Room that is being made for one that waits is there by then, and a cluster answers, or it is not coming soon. */
const YIELDED = 10 * MINUTE;

/** Takes room in the cluster, or waits for it: who paid first gets it first. */
export const placeStep: Step<CreateTenantState> = {
	name: 'place',
	async run(context) {
		const { tenant, hostname } = await placeOf(context.subjectId);
		// Who is not first need not ask the clusters what they have.
		if (!tenant.containerId && (await somebodyIsFirst(db, tenant)))
			return waitForRoom(context, null);
		const rules = await placementRules();
		const taken = await readTakenVmids(context.trace);
		const { cpuCores, ramMb, diskGb } = await db.plan.findUniqueOrThrow({
			where: { id: tenant.planId }
		});
		const place = await context.write(async (tx) => {
			if (!tenant.containerId && (await somebodyIsFirst(tx, tenant))) return null;
			const found = await reserveContainer(tx, {
				...{ tenantId: tenant.id, jobId: context.jobId, hostname, rules, taken },
				...{ isolation: tenant.isolation, cpuCores, ramMb, diskGb }
			});
			if ('noRoom' in found) return found;
			await tx.tenant.update({
				where: { id: tenant.id },
				data: { containerId: found.containerId }
			});
			return found;
		});
		if (!place || 'noRoom' in place) return waitForRoom(context, place?.noRoom ?? null);
		const node = await db.node.findUniqueOrThrow({
			where: { id: place.nodeId },
			select: { name: true }
		});
		return { message: stepMessage('placed', { node: node.name, vmid: place.vmid }) };
	},
	async undo(context) {
		await context.write(async (tx) => {
			const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: context.subjectId } });
			if (!tenant.containerId) return;
			const others = await othersIn(tx, tenant.containerId, tenant.id);
			// The container stays while others live in it; a place that is free again may be what somebody waits for.
			if (others === 0) await releaseContainer(tx, tenant.containerId, { tenantId: tenant.id });
			await tx.tenant.update({ where: { id: tenant.id }, data: { containerId: null } });
		});
	}
};

/** @throws {SagaStop} when it has waited as long as we promise to wait at most */
async function waitForRoom(
	context: CreateTenantContext,
	explanation: Explanation | null
): Promise<StepResult> {
	const { tenant } = await placeOf(context.subjectId);
	const hours = await setting('provisioning.max_wait_hours');
	if (tenant.queuedAt && after(tenant.queuedAt, hours * HOUR) <= now()) {
		throw new SagaStop(`no room within ${hours} h`, 'NO_CAPACITY');
	}
	if (explanation) await context.log('info', 'no room', { ...explanation });
	const isSilent = explanation?.nodes.some(({ candidate }) => candidate.status === 'silent');
	// What was made ahead for others is going for this one, or a cluster may answer: nobody needs to hear of it yet.
	const mayBeSoon = isSilent || Boolean(explanation?.yields);
	const isSoon = mayBeSoon && now() < after(tenant.queuedAt ?? tenant.createdAt, YIELDED);
	if (!context.state.toldNoRoom && !isSoon) {
		await context.write((tx) => tell(tx, tenant));
		await context.save({ toldNoRoom: true });
	}
	return {
		wait: isSilent ? ASK_AGAIN : LOOK_AGAIN,
		reason: 'NO_CAPACITY',
		message: explanation ? stepMessage('no_room', {}) : stepMessage('not_first', {})
	};
}

async function tell(
	tx: Tx,
	tenant: {
		id: string;
		slug: string;
		customerId: string;
		locale: string;
		customer: { email: string; fullName: string; companyName: string };
	}
): Promise<void> {
	await openAlert(tx, {
		rule: 'provisioning.no-capacity',
		subjectType: 'tenant',
		subjectId: tenant.id,
		severity: 'critical',
		data: { slug: tenant.slug, company: tenant.customer.companyName }
	});
	await queueMail(tx, {
		template: 'waiting_capacity',
		userId: null,
		customerId: tenant.customerId,
		to: tenant.customer.email,
		locale: tenant.locale,
		data: { name: tenant.customer.fullName, company: tenant.customer.companyName },
		dedupeKey: `waiting:${tenant.id}`
	});
}
