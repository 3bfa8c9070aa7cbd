import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { daysUntilFull } from '../metrics/trend.server.ts';
import { nodeFigures } from './figures.server.ts';
import { HEALTH_PARTS, type Health } from './health.ts';
import { partFact } from './healthWords.ts';
import { nodeSchema, nodeView } from './nodeView.server.ts';

const part = z.object({
	/** ok, warning, error; unknown: nobody could see it. */
	state: z.string(),
	/** What was seen, in the language of the request. */
	detail: z.string()
});

/** One node in the API, with what the list leaves out. Never its token. */
export const nodeDetailSchema = nodeSchema.extend({
	api_url: z.string(),
	api_fingerprint: z.string(),
	ssh_host: z.string(),
	ssh_port: z.number().int(),
	ssh_user: z.string(),
	ssh_host_key: z.string(),
	cpu_overcommit: z.number(),
	ram_overcommit: z.number(),
	disk_overcommit: z.number(),
	priority: z.number().int(),
	/** Counts the edits: send it along with one, and it is refused when somebody was faster. */
	revision: z.number().int(),
	clock_skew_ms: z.number().int().nullable(),
	/** Days until it is full if it goes on like this; null: not known, or not foreseen. */
	days_until_full: z.object({ disk: z.number().nullable(), ram: z.number().nullable() }),
	/** As of the last look; null: nobody has looked yet. */
	health: z
		.object({
			at: z.iso.datetime(),
			...{ api: part, ssh: part, storage: part, clock: part, version: part },
			...{ privileges: part, cluster: part }
		})
		.nullable(),
	missing_privileges: z.array(z.object({ name: z.string(), path: z.string() })),
	storages: z.array(
		z.object({
			storage: z.string(),
			type: z.string(),
			content: z.array(z.string()),
			shared: z.boolean(),
			active: z.boolean(),
			total_gb: z.number(),
			used_gb: z.number(),
			seen_at: z.iso.datetime()
		})
	)
});

/** @throws {AppError} NOT_FOUND; one that was removed is not there */
export async function nodeDetail(tx: Tx, id: string): Promise<z.input<typeof nodeDetailSchema>> {
	const [figures] = await nodeFigures(tx, [id]);
	const node = await tx.node.findUnique({
		where: { id },
		include: { storages: { orderBy: { storage: 'asc' } } }
	});
	if (!figures || !node) throw new AppError('NOT_FOUND');
	const { disk, ram } = (await daysUntilFull(tx)).get(id) ?? { disk: null, ram: null };
	return {
		...nodeView(figures),
		api_url: node.apiUrl,
		api_fingerprint: node.apiFingerprint,
		ssh_host: node.sshHost,
		ssh_port: node.sshPort,
		ssh_user: node.sshUser,
		ssh_host_key: node.sshHostKey,
		cpu_overcommit: node.cpuOvercommit.toNumber(),
		ram_overcommit: node.ramOvercommit.toNumber(),
		disk_overcommit: node.diskOvercommit.toNumber(),
		priority: node.priority,
		revision: node.revision,
		clock_skew_ms: node.clockSkewMs,
		days_until_full: { disk, ram },
		health: figures.health && healthView(figures.health),
		missing_privileges: figures.health?.privileges.missing ?? [],
		storages: node.storages.map((one) => ({
			storage: one.storage,
			type: one.type,
			content: one.content,
			shared: one.shared,
			active: one.active,
			total_gb: one.totalGb,
			used_gb: one.usedGb,
			seen_at: one.seenAt.toISOString()
		}))
	};
}

function healthView(health: Health) {
	const [api, ssh, storage, clock, version, privileges, cluster] = HEALTH_PARTS.map((name) => ({
		state: health[name].state,
		detail: partFact(name, health)
	}));
	return {
		at: health.at,
		api: api!,
		ssh: ssh!,
		storage: storage!,
		clock: clock!,
		version: version!,
		privileges: privileges!,
		cluster: cluster!
	};
}
