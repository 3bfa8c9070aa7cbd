import { fieldsOf, policyForm, stagesOf } from '#lib/billing/dunningPolicyForm.ts';
import { policiesInForce } from '#lib/billing/dunningPolicies.server.ts';
import { pastFailures, play, totalsOf } from '#lib/billing/dunningSimulator.server.ts';
import { db } from '#lib/core/db.server.ts';
import { fieldSentences } from '#lib/core/validation.ts';

const NAMES = ['mails', 'retries', 'read_only', 'suspend', 'delete'] as const;

/** The policy in force that an address is about, and the one that it proposes: null when its days cannot be. */
export async function comparedPolicies(url: URL) {
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
	return {
		policies,
		current,
		values,
		errors: parsed.success ? {} : fieldSentences(parsed.error),
		proposed: parsed.success ? stagesOf(parsed.data) : null
	};
}

/**
 * A policy out of the address, played over the payments that failed in the last twelve months, beside the one in force.
 * Days that cannot be are answered with sentences, and nothing is played.
 */
export async function simulationOf(url: URL) {
	const compared = await comparedPolicies(url);
	if (!compared) return null;
	const { policies, current, values, errors, proposed } = compared;
	const { failures, more } = await pastFailures(db);
	const before = await play(current.stages, failures);
	const after = proposed ? await play(proposed, failures) : null;
	return {
		policies: policies.map(({ key: value, name, version }) => ({
			value,
			label: `${name} v${version}`
		})),
		current: { key: current.key, name: current.name, version: current.version },
		values,
		errors,
		more,
		before,
		after,
		totals: { before: totalsOf(before), after: after && totalsOf(after) }
	};
}
