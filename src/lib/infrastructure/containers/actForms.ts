import { z } from 'zod';
import { tickbox } from '#lib/core/tickbox.ts';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';

/** Seconds that what runs inside has to end by itself. */
export const USUAL_TIMEOUT = 60;

/** Names that Proxmox keeps for itself: the present state, and what its backups take. */
const RESERVED = ['current', 'pending', 'vzdump'];

/** Of a snapshot, as Proxmox wants it. */
const newName = z
	.string()
	.trim()
	.min(2)
	.max(40)
	.regex(/^[a-zA-Z][\w-]+$/, { error: () => m.container_snapshot_bad_name() })
	.refine((name) => !RESERVED.includes(name), {
		error: () => m.container_snapshot_reserved_name()
	});

const knownName = z.string().trim().min(1).max(60);

/** Without `force` what does not end in time goes on running, and the act fails. */
export const powerForm = z.object({
	timeout_seconds: z.coerce.number().int().min(5).max(600).default(USUAL_TIMEOUT),
	/** Pull the plug when the time is up: a database may lose its last writes. */
	force: tickbox
});

export const resizeForm = z.object({
	cpu_cores: z.coerce.number().int().min(1).max(512),
	ram_mb: z.coerce.number().int().min(256).max(4_194_304),
	/** GiB; grows only. */
	disk_gb: z.coerce.number().int().min(1).max(65_536)
});

export const snapshotForm = z.object({
	name: newName,
	description: z.string().trim().max(500).default('')
});

export const knownSnapshotForm = z.object({ name: knownName });

/** Everything that can be asked of a container, with what it needs: also how an act's row keeps it. */
export const wishSchema = z.discriminatedUnion('act', [
	z.object({ act: z.literal('start') }),
	powerForm.extend({ act: z.literal('stop') }),
	powerForm.extend({ act: z.literal('restart') }),
	resizeForm.extend({ act: z.literal('resize') }),
	snapshotForm.extend({ act: z.literal('snapshot') }),
	knownSnapshotForm.extend({ act: z.literal('rollback') }),
	knownSnapshotForm.extend({ act: z.literal('delete_snapshot') })
]);

export type Wish = z.output<typeof wishSchema>;
export type ActName = Wish['act'];
