import { z } from 'zod';

/** Where a console's socket is opened. */
export const CONSOLE_PATH = '/live/console';

/** What the browser asks for; beside it, under this prefix, stands the ticket: no log of any proxy keeps it there. */
export const CONSOLE_PROTOCOL = 'erp-console';
export const TICKET_PREFIX = 'ticket.';

/** Close code of our own; the reason says why it ended. */
export const CONSOLE_ENDED = 4000;

/** Of what a browser sends in one frame. */
export const FRAME_BYTES = 128 * 1024;

/** So many bytes of output the browser says at once that it has shown. */
export const TAKEN_BYTES = 16 * 1024;

/**
 * What is no keystroke: binary frames are bytes of the terminal both ways, text frames are these. `taken` are bytes of
 * output that were shown: a browser reads its socket faster than it can draw, so nothing else would hold the node back.
 */
export const browserMessage = z.union([
	z.strictObject({
		resize: z.strictObject({
			cols: z.number().int().min(2).max(1_000),
			rows: z.number().int().min(1).max(500)
		})
	}),
	z.strictObject({ taken: z.number().int().min(1) })
]);

export const serverMessage = z.object({ open: z.enum(['termproxy', 'pct']) });
export type ConsoleWay = z.infer<typeof serverMessage>['open'];
