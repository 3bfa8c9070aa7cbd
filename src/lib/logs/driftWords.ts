import { m } from '#i18n/paraglide/messages.js';

const OUTCOMES: Record<string, () => string> = {
	repaired: m.drift_outcome_repaired,
	gone: m.drift_outcome_gone,
	ignored: m.drift_outcome_ignored
};

export function driftOutcome(outcome: string | null): string {
	return (outcome && OUTCOMES[outcome]?.()) || '';
}

export interface Side {
	field: string;
	ours: string;
	theirs: string;
}

/** `cancelAt: 2026-12-01 · null` for each field that differs. */
export function driftSides(drift: { ours: unknown; theirs: unknown }): Side[] {
	const ours = sideOf(drift.ours);
	const theirs = sideOf(drift.theirs);
	const fields = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
	return fields.map((field) => ({
		field,
		ours: textOf(ours[field]),
		theirs: textOf(theirs[field])
	}));
}

/** "120 clientes, 130 suscripciones …" of what a run compared. @param words of each thing, given how many */
export function comparedWords(
	compared: unknown,
	words: Record<string, (count: number) => string>
): string {
	const counts = Object.entries(typeof compared === 'object' ? { ...compared } : {});
	return counts
		.flatMap(([name, count]) => (typeof count === 'number' ? (words[name]?.(count) ?? []) : []))
		.join(', ');
}

function sideOf(value: unknown): Record<string, unknown> {
	return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string {
	return value === null || value === undefined ? '—' : String(value);
}
