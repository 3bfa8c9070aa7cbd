import { z } from 'zod';

/** A running cloudflared, as it is kept with its tunnel. */
export const keptConnector = z.object({
	id: z.string(),
	/** Of cloudflared: `2026.10.1`. */
	version: z.string().nullable(),
	arch: z.string().nullable(),
	/** ISO time at which it started. */
	run_at: z.string().nullable(),
	/** Number of the configuration that it runs with; null for one that reads a file of its own. */
	config_version: z.number().nullable(),
	conns: z.array(
		z.object({
			colo_name: z.string().nullable(),
			opened_at: z.string().nullable(),
			origin_ip: z.string().nullable()
		})
	)
});
export type KeptConnector = z.infer<typeof keptConnector>;

/** What the column holds; nothing for a form that is not ours. */
export function connectorsOf(value: unknown): KeptConnector[] {
	const parsed = z.array(keptConnector).safeParse(value);
	return parsed.success ? parsed.data : [];
}

/** Ways that are open from Cloudflare to our side. */
export function connectionCount(connectors: KeptConnector[]): number {
	return connectors.reduce((sum, { conns }) => sum + conns.length, 0);
}

/** What was seen is older than this: it says nothing of now. Milliseconds. */
export const STATE_IS_OLD = 5 * 60_000;
