import { z } from 'zod';
import { readiness } from '#lib/core/readiness.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

// Their names alone: what this build expects the database to have.
const expected = Object.keys(import.meta.glob('/prisma/migrations/*/migration.sql')).flatMap(
	(path) => path.split('/')[3] ?? []
);

export const GET = endpoint(
	{
		summary: 'Database, migrations and queue are there: this process can work',
		permission: 'public',
		response: z.object({ status: z.literal('ready'), checks: z.record(z.string(), z.string()) })
	},
	async ({ event }) => {
		const { ready, checks } = await readiness(expected);
		if (ready) return { status: 'ready' as const, checks };
		const refusal = new AppError('NOT_READY');
		return Response.json(
			{
				success: false,
				error: refusal.code,
				detail: refusal.sentence,
				data: { status: 'not_ready', checks },
				request_id: event.locals.requestId
			},
			{ status: refusal.status }
		);
	}
);
