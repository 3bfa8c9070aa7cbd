import { fieldsOf, policyForm, stagesOf } from '#lib/billing/dunningPolicyForm.ts';
import { policiesInForce } from '#lib/billing/dunningPolicies.server.ts';
import { pastFailures, play, totalsOf } from '#lib/billing/dunningSimulator.server.ts';
import { db } from '#lib/core/db.server.ts';
import { fieldSentences } from '#lib/core/validation.ts';

const NAMES = ['mails', 'retries', 'read_only', 'suspend', 'delete'] as const;

/**
 * A policy out of the address, played over the payments that failed in the last twelve months, beside the one in force.
 * Days that cannot be are answered with sentences, and nothing is played.
 */
export async function simulationOf(url: URL) {
	const policies = await policiesInForce(db);
	const key = url.searchParams.get('of');
	const current =
		policies.find((policy) => policy.key === key) ??
		policies.find(({ isDefault }) => isDefault) ??
		policies[0];
	if (!current) return null;
	const inForce = fieldsOf(current.stages);
	const values = { ...inForce };
	for (const name of NAMES)
		values[name] = (url.searchParams.get(name) ?? inForce[name]).slice(0, 200);
	const parsed = policyForm.safeParse({ name: current.name, ...values });
	const { failures, more } = await pastFailures(db);
	const before = await play(current.stages, failures);
	const after = parsed.success ? await play(stagesOf(parsed.data), failures) : null;
	return {
		policies: policies.map(({ key: value, name, version }) => ({
			value,
			label: `${name} v${version}`
		})),
		current: { key: current.key, name: current.name, version: current.version },
		values,
		errors: parsed.success ? {} : fieldSentences(parsed.error),
		more,
		before,
		after,
		totals: { before: totalsOf(before), after: after && totalsOf(after) }
	};
}
