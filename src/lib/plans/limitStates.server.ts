import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import type { LimitAct, LimitState } from '#prisma/generated/client.ts';
import { judgeLimit, NOTHING_TOLD } from './limitRules.ts';
import { RESOURCE_NAMES, resourceOf, type ResourceName } from './limits.ts';
import { tellLimit, type Told } from './limitNotices.server.ts';
import { subjectId } from './may.server.ts';
import { limitFor, limitsOf, useOf, type Subject } from './use.server.ts';

/** Tenants whose use is looked at. */
const LIVE = ['active', 'degraded', 'suspended', 'migrating'] as const;

/** What is to be true of an instance because of its limits. */
export interface Enforcement {
	tenantId: string;
	readOnly: boolean;
	suspended: boolean;
}

/**
 * Looks at every limit of a customer, tells who must know, and remembers it. What is not known, or older than a day,
 * changes nothing.
 * @returns what the limits want of each of its live instances now; the caller makes it so
 */
export async function checkLimits(tx: Tx, customerId: string): Promise<Enforcement[]> {
	await lock(tx, `limits.check:${customerId}`);
	const tenants = await tx.tenant.findMany({
		where: { customerId, status: { in: [...LIVE] } },
		select: { id: true, slug: true }
	});
	for (const resource of RESOURCE_NAMES) {
		if (resourceOf(resource).scope === 'customer') await look(tx, { customerId }, resource, null);
		else
			for (const { id, slug } of tenants)
				await look(tx, { customerId, tenantId: id }, resource, slug);
	}
	const enforced: Enforcement[] = [];
	for (const { id } of tenants) {
		const acts = await actsOn(tx, { customerId, tenantId: id });
		enforced.push({
			tenantId: id,
			readOnly: acts.has('read_only'),
			suspended: acts.has('suspend')
		});
	}
	return enforced;
}

async function look(
	tx: Tx,
	subject: Subject,
	resource: ResourceName,
	slug: string | null
): Promise<void> {
	const key = { subjectId: subjectId(subject, resource), resource };
	const before = await tx.limitState.findUnique({ where: { subjectId_resource: key } });
	const limit = await limitFor(tx, subject, resource);
	if (!limit) {
		if (before) await tx.limitState.delete({ where: { id: before.id } });
		if (before?.actedAt) await told('lift', { amount: before.amount, used: before.used });
		return;
	}
	const { used, at } = await useOf(tx, subject, resource);
	if (used === null || at === null) return;
	const amount = limit.amount * resourceOf(resource).perUnit;
	const { tell, turn, ...state } = judgeLimit(
		before ?? NOTHING_TOLD,
		{ used, amount, graceDays: limit.graceDays, act: limit.act },
		now()
	);
	const row = { used, amount, measuredAt: at, ...state };
	await tx.limitState.upsert({
		where: { subjectId_resource: key },
		create: { ...key, customerId: subject.customerId, ...row },
		update: row
	});
	if (turn) await told(turn, { used, amount, act: limit.act });
	else if (tell) await told(tell, { used, amount, act: limit.act, actsAt: state.actsAt });

	function told(what: Told['what'], values: Pick<Told, 'used' | 'amount'> & Partial<Told>) {
		return tellLimit(tx, { what, resource, slug, subject, act: 'tell', actsAt: null, ...values });
	}
}

/** Acts that are due on an instance; one of a limit that was changed since is the one of today. */
async function actsOn(tx: Tx, subject: Required<Subject>): Promise<Set<LimitAct>> {
	const states = await tx.limitState.findMany({
		where: { customerId: subject.customerId, subjectId: subject.tenantId, actedAt: { not: null } }
	});
	if (states.length === 0) return new Set();
	const limits = await limitsOf(tx, subject);
	return new Set(
		[...limits.values()]
			.filter((limit) => states.some(({ resource }) => resource === limit.resource))
			.map(({ act }) => act)
	);
}

/** The remembered states of an instance and of its customer, for pages. Works in a customer's scope. */
export function limitStates(tx: Tx, subject: Required<Subject>): Promise<LimitState[]> {
	return tx.limitState.findMany({
		where: {
			customerId: subject.customerId,
			subjectId: { in: [subject.tenantId, subject.customerId] }
		}
	});
}
