import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';

/** What is offered, and the least and the most that is allowed: RAM in MB, disk in GB. */
export interface BareSize {
	ramMb: number;
	diskGb: number;
	leastGb: number;
	mostGb: number;
}

/** Fields of a container that staff make from Debian's image: on which node, from which image, and how large. */
export function bareFields(size: BareSize) {
	return {
		node_id: z.uuid(),
		/** `local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst` */
		image: z
			.string()
			.trim()
			.max(255)
			.regex(/^[\w.-]+:vztmpl\/debian-12[\w.+-]*$/, { error: () => m.template_bad_image() }),
		cpu_cores: z.coerce.number().int().min(1).max(64).default(2),
		ram_mb: z.coerce.number().int().min(1024).max(262_144).default(size.ramMb),
		disk_gb: z.coerce.number().int().min(size.leastGb).max(size.mostGb).default(size.diskGb)
	};
}

/** What those fields give. */
export type BareInput = z.output<z.ZodObject<ReturnType<typeof bareFields>>>;
