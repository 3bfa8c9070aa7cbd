import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { dunningRules, writeNext } from './dunningFacts.server.ts';
import { stagesOf, type NewStage, type PolicyInput } from './dunningPolicyForm.ts';
import { inOrderOfDays } from './dunningTimeline.ts';

const WITH_STAGES = {
	id: true,
	key: true,
	version: true,
	name: true,
	isDefault: true,
	replacedAt: true,
	createdAt: true,
	stages: { select: { id: true, day: true, act: true, tone: true } },
	_count: { select: { cases: { where: { closedAt: null } } } }
} as const;

/** Policies in force, the default first, each with its stages and how many open cases follow it. */
export async function policiesInForce(tx: Tx) {
	const rows = await tx.dunningPolicy.findMany({
		where: { replacedAt: null },
		orderBy: [{ isDefault: 'desc' }, { name: 'asc' }],
		select: WITH_STAGES
	});
	return rows.map((row) => ({ ...row, stages: inOrderOfDays(row.stages) }));
}

export type PolicyView = Awaited<ReturnType<typeof policiesInForce>>[number];

/**
 * Saves a policy as a new version. Cases that are open keep the one they began with, unless they are to move: then what
 * they have done counts as done in the new one too.
 * @param input.seen version that the person was looking at; null makes a new policy
 * @throws {AppError} CHANGED_MEANWHILE when somebody saved it since
 */
export async function savePolicy(
	tx: Tx,
	input: { key: string; seen: number | null; policy: PolicyInput; moveOpen: boolean; by: Actor }
): Promise<{ id: string; moved: number }> {
	const { key, policy } = input;
	const current = await tx.dunningPolicy.findFirst({ where: { key, replacedAt: null } });
	if ((current?.version ?? null) !== input.seen) throw new AppError('CHANGED_MEANWHILE');
	if (current) {
		const { count } = await tx.dunningPolicy.updateMany({
			where: { id: current.id, replacedAt: null },
			data: { replacedAt: now(), isDefault: false }
		});
		if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	}
	const { id } = await tx.dunningPolicy.create({
		data: {
			key,
			version: (current?.version ?? 0) + 1,
			name: policy.name,
			isDefault: current?.isDefault ?? false,
			stages: { create: stagesOf(policy) }
		},
		select: { id: true }
	});
	const moved = current && input.moveOpen ? await moveCases(tx, current.id, id) : 0;
	await audit(tx, {
		actor: input.by,
		action: 'billing.dunning-policy',
		subject: { type: 'dunning-policy', id },
		before: current ? { version: current.version, name: current.name } : undefined,
		after: { ...policy, version: (current?.version ?? 0) + 1, moved }
	});
	await publish(tx, 'staff:billing', id);
	return { id, moved };
}

/** Makes a policy the one that new cases follow. @throws {AppError} NOT_FOUND */
export async function makeDefault(tx: Tx, policyId: string, by: Actor): Promise<void> {
	const policy = await tx.dunningPolicy.findFirst({ where: { id: policyId, replacedAt: null } });
	if (!policy) throw new AppError('NOT_FOUND');
	// In this order: of the two there may never be two.
	await tx.dunningPolicy.updateMany({ where: { isDefault: true }, data: { isDefault: false } });
	await tx.dunningPolicy.update({ where: { id: policyId }, data: { isDefault: true } });
	await audit(tx, {
		actor: by,
		action: 'billing.dunning-policy-default',
		subject: { type: 'dunning-policy', id: policyId },
		after: { name: policy.name, version: policy.version }
	});
	await publish(tx, 'staff:billing', policyId);
}

/** Open cases of one version go on with another. @returns how many */
async function moveCases(tx: Tx, fromId: string, toId: string): Promise<number> {
	const stages = {
		from: await tx.dunningStage.findMany({ where: { policyId: fromId } }),
		to: await tx.dunningStage.findMany({ where: { policyId: toId } })
	};
	const cases = await tx.dunningCase.findMany({
		where: { policyId: fromId, closedAt: null },
		select: { id: true, customerId: true, acts: true }
	});
	const rules = await dunningRules();
	for (const { id: caseId, customerId, acts } of cases) {
		const done = new Map(acts.map((act) => [act.stageId, act]));
		await tx.dunningCase.update({ where: { id: caseId }, data: { policyId: toId } });
		await tx.dunningAct.createMany({
			data: stages.to.flatMap((stage) => {
				const act = done.get(counterpart(stage, stages.from, stages.to)?.id ?? '');
				if (!act || act.outcome === 'ordered') return [];
				const { dueAt, doneAt, outcome, detail } = act;
				return [
					{
						...{ customerId, caseId, stageId: stage.id, act: stage.act },
						...{ dueAt, doneAt, outcome, detail }
					}
				];
			}),
			skipDuplicates: true
		});
		await writeNext(tx, caseId, rules);
	}
	return cases.length;
}

/** The stage that is the same thing in the other version: the third mail of one is the third mail of the other. */
function counterpart<S extends NewStage & { id: string }>(
	stage: S,
	from: readonly S[],
	to: readonly S[]
): S | undefined {
	const same = (all: readonly S[]) =>
		all.filter(({ act }) => act === stage.act).sort((a, b) => a.day - b.day);
	return same(from)[same(to).findIndex(({ id }) => id === stage.id)];
}
