import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { levelOf, resourceOf, type Level, type Limit, type ResourceName } from './limits.ts';
import { resourceLabel, resourceText } from './limitWords.ts';
import { limitFor, useOf, type Subject } from './use.server.ts';

export interface May {
	allowed: boolean;
	/** What is used now, in the unit of measurement (megabytes of a disk); null: not known. */
	used: number | null;
	/** In the same unit; null: not limited. */
	limit: number | null;
	level: Level;
	/** When `used` was true. */
	at: Date | null;
	/** Of a refusal alone. */
	reason: 'LIMIT_REACHED' | null;
}

/**
 * May this customer do this much of that? The one answer for pages, API and worker. It takes nothing: who goes on to do
 * it asks `expectMay`. What is not known refuses nothing, and neither does a limit that only tells; any other refuses
 * when its days of grace are over. Works in a customer's scope.
 * @param subject the tenant too for what is limited per instance
 * @param amount of it that is to be added, in the plan's unit
 */
export async function may(
	tx: Tx,
	subject: Subject,
	resource: ResourceName,
	amount = 1
): Promise<May> {
	const limit = await limitFor(tx, subject, resource);
	const { used, at } = await useOf(tx, subject, resource);
	const { perUnit } = resourceOf(resource);
	const most = limit && limit.amount * perUnit;
	const stands = { used, limit: most, level: levelOf(used, most), at };
	if (!limit || most === null || used === null || limit.act === 'tell')
		return { ...stands, allowed: true, reason: null };
	const fits = used + amount * perUnit <= most;
	const allowed = fits || (await inGrace(tx, subject, limit));
	return { ...stands, allowed, reason: allowed ? null : 'LIMIT_REACHED' };
}

/** Over a limit with days of grace, more is taken until they have passed. */
async function inGrace(tx: Tx, subject: Subject, limit: Limit): Promise<boolean> {
	if (limit.graceDays === 0) return false;
	const state = await tx.limitState.findUnique({
		where: {
			subjectId_resource: {
				subjectId: subjectId(subject, limit.resource),
				resource: limit.resource
			}
		},
		select: { actsAt: true, actedAt: true }
	});
	if (state?.actedAt) return false;
	return !state?.actsAt || state.actsAt > now();
}

/** The row of `limit_states` that a resource is counted under. */
export function subjectId(subject: Subject, resource: ResourceName): string {
	const id = resourceOf(resource).scope === 'tenant' ? subject.tenantId : subject.customerId;
	if (!id) throw new Error('this is limited per instance: say which');
	return id;
}

/**
 * The same for who does it now: of two who add the last one in the same moment, one is refused. Needs the owner's role.
 * @throws {AppError} LIMIT_REACHED
 */
export async function expectMay(
	tx: Tx,
	subject: Subject,
	resource: ResourceName,
	amount = 1
): Promise<May> {
	await lock(tx, `limits:${subjectId(subject, resource)}:${resource}`);
	const answer = await may(tx, subject, resource, amount);
	if (!answer.allowed) throw refusal(resource, answer);
	return answer;
}

function refusal(resource: ResourceName, { used, limit }: May): AppError {
	return new AppError('LIMIT_REACHED', {
		params: {
			resource: resourceLabel(resource),
			used: resourceText(resource, used ?? 0, 'es'),
			limit: resourceText(resource, limit ?? 0, 'es')
		}
	});
}
