import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { TunnelChange } from '#prisma/generated/client.ts';
import { connectionCount } from './tunnelConnectors.ts';
import { isMade } from './tunnelRow.ts';
import { type TunnelRow, tunnelRows } from './tunnelList.server.ts';

const rule = z.looseObject({
	hostname: z.string().optional(),
	path: z.string().optional(),
	service: z.string()
});
const diffSchema = z.looseObject({
	added: z.array(rule),
	removed: z.array(rule),
	changed: z.array(z.looseObject({ before: rule, after: rule })),
	moved: z.number(),
	counts: z.object({ added: z.number(), removed: z.number(), changed: z.number() }),
	document: z.string().optional()
});
export type ShownDiff = z.output<typeof diffSchema>;

/** A difference as the log keeps it; null for a form that is not ours. */
export function readDiff(stored: unknown): ShownDiff | null {
	const parsed = diffSchema.safeParse(stored);
	return parsed.success ? parsed.data : null;
}

/** What the API says of a tunnel. Never its token. */
export const tunnelSchema = z.object({
	id: z.uuid(),
	name: z.string(),
	/** Null while Cloudflare is still making it. */
	cloudflare_id: z.string().nullable(),
	source: z.enum(['cloudflare', 'local']),
	/** Cloudflare's word: inactive, degraded, healthy, down; `deleted` when it has none; null: never seen. */
	status: z.string().nullable(),
	/** When that was seen, and why it could not be seen since. */
	seen_at: z.date().nullable(),
	seen_error: z.string().nullable(),
	connectors: z.array(
		z.object({
			id: z.string(),
			version: z.string().nullable(),
			config_version: z.number().nullable(),
			connections: z.number().int()
		})
	),
	hosts: z.number().int(),
	base_domains: z.array(z.string()),
	node: z.string().nullable(),
	config_version: z.number().int().nullable(),
	/** Everything that was asked for has been written and read back. */
	converged: z.boolean(),
	drifted_at: z.date().nullable(),
	error: z.string().nullable(),
	created_at: z.date()
});

export function tunnelView(row: TunnelRow): z.input<typeof tunnelSchema> {
	return {
		...{ id: row.id, name: row.name, source: row.source, status: row.status },
		cloudflare_id: isMade(row) ? row.cloudflareId : null,
		seen_at: row.seenAt,
		seen_error: row.seenError,
		connectors: row.connectors.map((one) => ({
			...{ id: one.id, version: one.version, config_version: one.config_version },
			connections: connectionCount([one])
		})),
		...{ hosts: row.hosts, base_domains: row.baseDomains, node: row.node },
		config_version: row.remoteVersion,
		converged: row.appliedVersion >= row.wantedVersion,
		...{ drifted_at: row.driftedAt, error: row.error, created_at: row.createdAt }
	};
}

export const tunnelChangeSchema = z.object({
	id: z.uuid(),
	kind: z.string(),
	by: z.string().nullable(),
	config_version: z.number().int().nullable(),
	diff: diffSchema.nullable(),
	at: z.date()
});

export function changeView(change: TunnelChange): z.input<typeof tunnelChangeSchema> {
	const { id, kind, byLabel, remoteVersion, diff, at } = change;
	return { id, kind, by: byLabel, config_version: remoteVersion, diff: readDiff(diff), at };
}

/** What the API answers of one tunnel, a deleted one too. @throws {AppError} NOT_FOUND */
export async function oneTunnel(tx: Tx, id: string): Promise<z.input<typeof tunnelSchema>> {
	const [row] = await tunnelRows(tx, [id]);
	if (!row) throw new AppError('NOT_FOUND');
	return tunnelView(row);
}
