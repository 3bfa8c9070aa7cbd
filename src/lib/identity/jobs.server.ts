import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { type OneTimeLink, defineMailLink } from '#lib/notifications/links.server.ts';
import { mailReset } from './account.server.ts';
import { invitationToken } from './invitations.server.ts';
import { removeEnded } from './sessions.server.ts';
import { issueUserToken } from './userTokens.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'identity.mail-reset': { email: string };
		'identity.remove-ended': Record<string, never>;
	}
}

defineJob({
	name: 'identity.mail-reset',
	payload: z.object({ email: z.string() }),
	run: ({ email }) => mailReset(email)
});

defineJob({
	name: 'identity.remove-ended',
	payload: z.record(z.string(), z.never()),
	schedule: { cron: '17 * * * *', payload: {} },
	run: () => removeEnded(new Date())
});

const PATHS: Record<Exclude<OneTimeLink, 'invitation'>, string> = {
	set_password: '/set-password',
	reset_password: '/reset'
};

defineMailLink('invitation', async (id) => {
	const token = await invitationToken(db, id);
	return new URL(`/invite/${token}`, env.ORIGIN).href;
});

for (const kind of ['set_password', 'reset_password'] as const) {
	defineMailLink(kind, async (userId) => {
		const { token } = await issueUserToken(db, userId, kind);
		return new URL(`${PATHS[kind]}/${token}`, env.ORIGIN).href;
	});
}
