import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';

/** Addresses as people type several: with spaces, commas or on lines of their own; each once. */
function addresses(isOne: (text: string) => boolean) {
	return z
		.string()
		.max(2_000)
		.transform((text) => [
			...new Set(
				text
					.toLowerCase()
					.split(/[\s,;]+/)
					.filter(Boolean)
			)
		])
		.superRefine((list, check) => {
			const bad = list.find((one) => !isOne(one));
			if (bad !== undefined)
				check.addIssue({ code: 'custom', message: m.domains_server_bad_address({ address: bad }) });
		});
}

/** An edge server as it is typed. */
export const edgeServerForm = z
	.object({
		name: z
			.string()
			.trim()
			.regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/, { error: () => m.domains_server_bad_name() }),
		node: z.uuid({ error: () => m.domains_server_node_missing() }),
		/** The container with nginx; empty: on the node itself. */
		vmid: z
			.literal('')
			.transform(() => null)
			.or(z.coerce.number().int().min(100).max(999_999_999))
			.default(null),
		ipv4: addresses(isIPv4).default([]),
		ipv6: addresses(isIPv6).default([])
	})
	.superRefine(({ ipv4, ipv6 }, check) => {
		if (ipv4.length + ipv6.length === 0)
			check.addIssue({
				...{ code: 'custom', path: ['ipv4'] },
				message: m.domains_server_address_missing()
			});
	})
	.transform(({ node, ...rest }) => ({ ...rest, nodeId: node }));
export type EdgeServerInput = z.output<typeof edgeServerForm>;

export const oneEdgeServerForm = z.object({ server: z.uuid() });
export const editedEdgeServerForm = z.intersection(edgeServerForm, oneEdgeServerForm);
