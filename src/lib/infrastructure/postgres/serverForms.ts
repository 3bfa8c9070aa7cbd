import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';

/** A server of databases that is to be made: where, what it is called, and how large it is. */
export const serverForm = z.object({
	node_id: z.uuid(),
	/** Host name of the container. */
	name: z
		.string()
		.trim()
		.toLowerCase()
		.regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: () => m.dbserver_bad_name() }),
	/** `local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst` */
	image: z
		.string()
		.trim()
		.max(255)
		.regex(/^[\w.-]+:vztmpl\/debian-12[\w.+-]*$/, { error: () => m.template_bad_image() }),
	cpu_cores: z.coerce.number().int().min(1).max(64).default(2),
	ram_mb: z.coerce.number().int().min(1024).max(262_144).default(4096),
	disk_gb: z.coerce.number().int().min(8).max(8000).default(40)
});

export type ServerInput = z.output<typeof serverForm>;
