import type { Tx } from '#lib/core/db.server.ts';
import type { NewStage } from './dunningPolicyForm.ts';

const mail = (day: number, tone: string): NewStage => ({ day, act: 'mail', tone });
const retry = (day: number): NewStage => ({ day, act: 'retry', tone: null });

/**
 * What happens by default: told four times and tried four times within two weeks, read-only for the last days before the
 * suspension, and three weeks more until the end. Days after WHMCS's and press's habits; see docs/decisions/014.
 */
const STANDARD: NewStage[] = [
	...[mail(0, 'friendly'), mail(3, 'reminder'), mail(7, 'warning'), mail(12, 'last')],
	...[retry(1), retry(3), retry(5), retry(7)],
	...[
		{ day: 10, act: 'read_only' as const, tone: null },
		{ day: 15, act: 'suspend' as const, tone: null },
		{ day: 36, act: 'delete' as const, tone: null }
	]
];

/** The policy that every installation starts with; one that exists stays as the staff have made it. */
export async function seedDunning(tx: Tx): Promise<void> {
	const exists = await tx.dunningPolicy.findFirst({ select: { id: true } });
	if (exists) return;
	await tx.dunningPolicy.create({
		data: {
			...{ key: 'standard', version: 1, name: 'Estándar', isDefault: true },
			stages: { create: STANDARD }
		}
	});
}
