import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { bareFields, type BareSize } from '../containers/bareForm.ts';

export const SERVER_SIZE: BareSize = { ramMb: 4096, diskGb: 40, leastGb: 8, mostGb: 8000 };

/** A server of databases that is to be made: where, what it is called, and how large it is. */
export const serverForm = z.object({
	...bareFields(SERVER_SIZE),
	/** Host name of the container. */
	name: z
		.string()
		.trim()
		.toLowerCase()
		.regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: () => m.dbserver_bad_name() })
});

export type ServerInput = z.output<typeof serverForm>;
