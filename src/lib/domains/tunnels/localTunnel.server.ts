import { db } from '#lib/core/db.server.ts';
import type { CloudflaredClient } from '#lib/integrations/cloudflared/cloudflared.server.ts';
import { checkTunnel, noteSeen, withConnector } from './connectorHost.server.ts';
import { derivedRules } from './derivedIngress.server.ts';
import { sameIngress } from './ingress.ts';
import type { DocumentTunnel, IngressDocument } from './ingressDocument.server.ts';

/**
 * The document of a tunnel that its own machine configures: `ingress` of config.yml, over SSH. There is no number of its
 * version. Throws `ConnectorError`, `SshError`, `CloudflaredError`; see docs/decisions/019.
 */
export function localDocument(tunnel: DocumentTunnel): IngressDocument {
	return {
		read: () =>
			withConnector(tunnel, async (client) => {
				const seen = await client.read();
				checkTunnel(tunnel, seen.tunnel);
				const rules = seen.rules;
				// What is wanted stands there, and is not in force: a write was interrupted. Another file is somebody's edit; it
				// gets in force by a person's decision, or with our next write.
				const isOurs = sameIngress(rules ?? [], await derivedRules(db, tunnel.id));
				const inForce = await tidy(client, { ...seen, isOurs });
				await noteSeen(tunnel.id, {
					state: seen.state,
					inForce,
					trouble: null,
					detail: null
				});
				return { rules, version: null };
			}),
		write: (rules) =>
			withConnector(tunnel, async (client) => {
				checkTunnel(tunnel, (await client.read()).tunnel);
				await client.write(rules);
			})
	};
}

/** Finishes what was interrupted. A service that somebody stopped stays stopped. @returns whether the file is in force */
async function tidy(
	client: CloudflaredClient,
	seen: { isOurs: boolean; isInForce: boolean; hasHandover: boolean; state: string }
): Promise<boolean> {
	if (seen.isOurs && !seen.isInForce && seen.state !== 'inactive') {
		await client.settle();
		return true;
	}
	if (seen.hasHandover) await client.endHandover();
	return seen.isInForce;
}
