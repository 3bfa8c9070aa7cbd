import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';

/** Major versions that setup_odoo_lxc knows. */
export const ODOO_VERSIONS = ['17', '18', '19', '20'] as const;

const optional = z.literal('').transform(() => undefined);

/** What a template is to be built from, where, and how large. */
export const buildForm = z
	.object({
		node_id: z.uuid(),
		odoo_version: z.enum(ODOO_VERSIONS),
		kind: z.enum(['all_in_one', 'odoo_only']),
		source: z.enum(['packages', 'git']),
		/** Archive on the node. It becomes an argument of `pct push`: plain names alone. */
		packages_path: z
			.string()
			.trim()
			.max(255)
			.regex(/^(\/[\w.+-]+)+\.(tar|tar\.gz|tgz|tar\.xz|tar\.zst)$/, {
				error: () => m.template_bad_path()
			})
			.refine((path) => !path.split('/').some((part) => part === '..' || part === '.'), {
				error: () => m.template_bad_path()
			})
			.optional()
			.or(optional),
		// Without user and password: it stands in the list of processes and in the log.
		git_url: z
			.string()
			.trim()
			.max(255)
			.regex(/^https:\/\/[\w.-]+(:\d+)?\/[\w./+~-]+$/, { error: () => m.template_bad_git_url() })
			.optional()
			.or(optional),
		git_ref: z
			.string()
			.trim()
			.max(100)
			.regex(/^[A-Za-z0-9][\w./-]*$/, { error: () => m.template_bad_git_ref() })
			.optional()
			.or(optional),
		/** `local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst` */
		image: z
			.string()
			.trim()
			.max(255)
			.regex(/^[\w.-]+:vztmpl\/debian-12[\w.+-]*$/, { error: () => m.template_bad_image() }),
		cpu_cores: z.coerce.number().int().min(1).max(64).default(2),
		ram_mb: z.coerce.number().int().min(1024).max(262_144).default(2048),
		disk_gb: z.coerce.number().int().min(6).max(1000).default(10)
	})
	.superRefine((input, context) => {
		const needed = input.source === 'packages' ? 'packages_path' : 'git_url';
		if (!input[needed])
			context.addIssue({ code: 'custom', path: [needed], message: m.template_source_needed() });
		if (input.source === 'git' && !input.git_ref)
			context.addIssue({ code: 'custom', path: ['git_ref'], message: m.template_source_needed() });
	});

export type BuildInput = z.output<typeof buildForm>;
