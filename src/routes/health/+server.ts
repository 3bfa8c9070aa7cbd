import { z } from 'zod';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'The process answers',
		permission: 'public',
		response: z.object({ status: z.literal('ok') })
	},
	() => ({ status: 'ok' as const })
);
