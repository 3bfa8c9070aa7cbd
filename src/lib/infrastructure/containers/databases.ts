import { z } from 'zod';

/** What a worker found inside an adopted container (`lxc_containers.databases`). */
export const databasesSchema = z.object({
	at: z.iso.datetime(),
	/** Major version of the Odoo that is installed; null when it does not say. */
	version: z.number().nullable(),
	/** Why nothing could be found. */
	problem: z.enum(['not_running', 'no_postgres', 'unreachable', 'failed']).nullable(),
	detail: z.string().nullable(),
	databases: z.array(
		z.object({
			name: z.string(),
			/** `ready`: Odoo's base module is installed in it. */
			state: z.enum(['ready', 'incomplete', 'absent', 'unknown']),
			/** Active internal users, and size with its files; null when it could not be measured. */
			users: z.number().nullable(),
			diskMb: z.number().nullable()
		})
	)
});

export type FoundDatabases = z.output<typeof databasesSchema>;
