import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { LOG_LEVELS, logLines, SHOWN } from '#lib/domains/tunnels/connectorLog.server.ts';
import { freshLog } from '#lib/domains/tunnels/connectorLogWait.server.ts';
import { hostView, shownLine } from '#lib/domains/tunnels/connectorView.server.ts';
import { findTunnel } from '#lib/domains/tunnels/tunnelUse.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: "The last lines of a tunnel's cloudflared, and whether its machine could be reached",
		permission: 'domains:read',
		params: z.object({ id: z.uuid() }),
		query: z.object({
			/** This level and those above it. */
			level: z.enum(LOG_LEVELS).default('debug'),
			/** In the text, whatever the case. */
			search: z.string().max(200).default(''),
			lines: z.coerce.number().int().min(1).max(SHOWN).default(100)
		}),
		response: z.object({
			lines: z.array(
				z.object({
					at: z.date(),
					level: z.enum(LOG_LEVELS),
					text: z.string(),
					/** Lines that came too fast and were left out here. */
					left_out: z.number().int()
				})
			),
			/** Null: nobody said where it runs. */
			host: z
				.object({
					node: z.string(),
					vmid: z.number().int().nullable(),
					unit: z.string(),
					config: z.string()
				})
				.nullable(),
			version: z.string().nullable(),
			/** systemd's word. */
			service: z.string().nullable(),
			reached_at: z.date().nullable(),
			/** Code of what stands in the way; the lines are from before then. */
			trouble: z.string().nullable(),
			detail: z.string().nullable()
		})
	},
	async ({ params, query }) => {
		const tunnel = await findTunnel(db, params.id);
		if (tunnel.hostNodeId) await freshLog(tunnel.id);
		const { level, search: q, lines } = query;
		const rows = await logLines(db, tunnel.id, { level, q: q.trim(), lines });
		const { place, version, state, reachedAt, trouble, detail } = await hostView(db, tunnel);
		return {
			lines: rows.map(shownLine).map(({ at, level, text, leftOut }) => ({
				...{ at, level, text, left_out: leftOut }
			})),
			...{ host: place, version, service: state, reached_at: reachedAt, trouble, detail }
		};
	}
);
