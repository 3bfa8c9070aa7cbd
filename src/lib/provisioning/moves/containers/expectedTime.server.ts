import type { Tx } from '#lib/core/db.server.ts';
import { setting } from '#lib/settings/settings.server.ts';

/** Past moves that an estimate learns from. */
const LEARNT_FROM = 50;

/**
 * How long a container is expected to be off the air, in milliseconds: the median of past moves per GiB of disk; while there
 * is none, the setting's guess. Called once, it answers for any number of containers.
 */
export async function expectedTime(tx: Tx): Promise<(container: { diskGb: number }) => number> {
	const guess = (await setting('provisioning.move_expected_seconds')) * 1000;
	const [row] = await tx.$queryRaw<{ per_gb: number | null }[]>`
		SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms / greatest(1, gb))::float8 AS per_gb FROM (
			SELECT extract(epoch FROM move.on_air_at - move.off_air_at) * 1000 AS ms, container.disk_gb AS gb
			FROM container_moves move JOIN lxc_containers container ON container.id = move.container_id
			WHERE move.status IN ('confirming', 'succeeded') AND move.on_air_at IS NOT NULL AND move.off_air_at IS NOT NULL
			ORDER BY move.created_at DESC LIMIT ${LEARNT_FROM}) past`;
	const perGb = row?.per_gb ?? null;
	return ({ diskGb }) => Math.round(perGb === null ? guess : perGb * Math.max(1, diskGb));
}
