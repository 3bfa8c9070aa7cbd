import { m } from '#i18n/paraglide/messages.js';
import { dunningAct, isDunningAct } from '#lib/billing/dunningWords.ts';

const ACTS: Record<string, () => string> = {
	'billing.dunning-give-time': m.dunning_give_time,
	'billing.dunning-close': m.dunning_stop
};

/** What staff did with a case, as the audit log names it. */
export function actOf(action: string): string {
	const known = ACTS[action];
	if (known) return known();
	const act = action.replace('billing.dunning-', '');
	return isDunningAct(act) ? dunningAct(act) : action;
}

/** Why, if they said so. */
export function reasonOf(after: unknown): string | null {
	if (typeof after !== 'object' || after === null || !('reason' in after)) return null;
	return typeof after.reason === 'string' ? after.reason : null;
}
