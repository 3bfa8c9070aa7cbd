import type { Tx } from '#lib/core/db.server.ts';

/** Past moves that an estimate is made of. */
const RECENT = 20;
/** What a move takes whatever its size, as if it were this much data. */
const OVERHEAD_MB = 512;
/** Milliseconds per megabyte while nothing was ever moved: a gigabyte in some three minutes. */
const GUESS = 120;
/** Of an instance that nobody has measured. */
const USUAL_MB = 1024;

/**
 * Milliseconds off the air that a move by dump and load is expected to take: the median of past ones for each megabyte.
 * @param sizeMb of the database with its files; null: not known
 */
export async function expectedDowntime(
	tx: Tx,
	sizeMb: number | null
): Promise<{ ms: number; guessed: boolean }> {
	const past = await tx.tenantMigration.findMany({
		where: {
			...{ containerMoveId: null, sizeMb: { not: null } },
			...{ offAirAt: { not: null }, onAirAt: { not: null } },
			status: { in: ['confirming', 'succeeded'] }
		},
		orderBy: { createdAt: 'desc' },
		take: RECENT,
		select: { sizeMb: true, offAirAt: true, onAirAt: true }
	});
	const rates = past
		.map(({ sizeMb: size, offAirAt, onAirAt }) => {
			const ms = onAirAt!.getTime() - offAirAt!.getTime();
			return ms / (size! + OVERHEAD_MB);
		})
		.sort((a, b) => a - b);
	const rate = rates[Math.floor(rates.length / 2)] ?? GUESS;
	return {
		ms: Math.max(1000, Math.round(rate * ((sizeMb ?? USUAL_MB) + OVERHEAD_MB))),
		guessed: rates.length === 0 || sizeMb === null
	};
}
