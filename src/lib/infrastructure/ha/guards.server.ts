import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { HaSeen, HaWanted } from './haSteps.ts';

/** Keeps what Proxmox has just said of a container's high availability. */
export async function keepGuard(
	tx: Tx,
	containerId: string,
	wanted: Pick<HaWanted, 'replicated'>,
	seen: Pick<HaSeen, 'service' | 'copy'>
): Promise<void> {
	const at = now();
	const before = await tx.containerGuard.findUnique({ where: { containerId } });
	const state = seen.service?.crm_state ?? null;
	// Of a copy that has not been sent the other way yet, the one before is still the last.
	const sent = seen.copy && seen.copy.last_sync > 0 ? new Date(seen.copy.last_sync * 1000) : null;
	const isNewer = sent !== null && (before?.copiedAt ?? new Date(0)) < sent;
	const data = {
		...{ state, seenAt: at, replicated: wanted.replicated },
		stateSince: before && before.state === state ? before.stateSince : at,
		copiedAt: wanted.replicated ? (isNewer ? sent : (before?.copiedAt ?? null)) : null,
		copyError: wanted.replicated ? (seen.copy?.error?.slice(0, 500) ?? null) : null,
		copyFails: wanted.replicated ? (seen.copy?.fail_count ?? 0) : 0
	};
	await tx.containerGuard.upsert({
		where: { containerId },
		create: { containerId, ...data },
		update: data
	});
	const isOther =
		before?.state !== state ||
		before.copyFails > 0 !== data.copyFails > 0 ||
		before.copiedAt?.getTime() !== data.copiedAt?.getTime();
	if (isOther) await publish(tx, [`container:${containerId}`], containerId);
}
