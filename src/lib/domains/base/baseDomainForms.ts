import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { DomainDriver } from '#prisma/generated/enums.ts';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A whole host name in lower case; of a name in another script its punycode form is asked for. */
export function isHostName(name: string): boolean {
	const labels = name.split('.');
	return name.length <= 253 && labels.length >= 2 && labels.every((label) => LABEL.test(label));
}

const hostName = z
	.string()
	.trim()
	.toLowerCase()
	.transform((name) => name.replace(/\.$/, ''))
	.refine(isHostName, { error: () => m.domains_base_bad_name() });

export const baseDomainForm = z
	.object({
		/** Only of a new one; a domain never changes its name. */
		name: hostName,
		driver: z.enum(DomainDriver),
		target: hostName,
		tunnel: z.uuid({ error: () => m.domains_base_tunnel_missing() }),
		edge_server: z.union([z.uuid(), z.literal('')]).default('')
	})
	.superRefine(({ name, driver, target, edge_server }, check) => {
		if (!target.endsWith(`.${name}`))
			check.addIssue({
				...{ code: 'custom', path: ['target'] },
				message: m.domains_base_target_outside({ name })
			});
		if (driver === 'edge' && !edge_server)
			check.addIssue({
				...{ code: 'custom', path: ['edge_server'] },
				message: m.domains_base_edge_missing()
			});
	})
	.transform(({ tunnel, edge_server, ...rest }) => ({
		...rest,
		tunnelId: tunnel,
		edgeServerId: edge_server || null
	}));
export type BaseDomainInput = z.output<typeof baseDomainForm>;

/** Which base domain is edited, and the version that the editor saw. */
export const editedBaseForm = z.intersection(
	baseDomainForm,
	z.object({ base: z.uuid(), version: z.coerce.number().int() })
);

export const oneBaseForm = z.object({ base: z.uuid() });
