import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { bareFields, type BareSize } from '../containers/bareForm.ts';

/** Major versions that setup_odoo_lxc knows. */
export const ODOO_VERSIONS = ['17', '18', '19', '20'] as const;

export const TEMPLATE_SIZE: BareSize = { ramMb: 2048, diskGb: 10, leastGb: 6, mostGb: 1000 };

const optional = z.literal('').transform(() => undefined);

/** What a template is to be built from, where, and how large. */
export const buildForm = z
	.object({
		...bareFields(TEMPLATE_SIZE),
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
			.or(optional)
	})
	.superRefine((input, context) => {
		const needed = input.source === 'packages' ? 'packages_path' : 'git_url';
		if (!input[needed])
			context.addIssue({ code: 'custom', path: [needed], message: m.template_source_needed() });
		if (input.source === 'git' && !input.git_ref)
			context.addIssue({ code: 'custom', path: ['git_ref'], message: m.template_source_needed() });
	});

export type BuildInput = z.output<typeof buildForm>;
