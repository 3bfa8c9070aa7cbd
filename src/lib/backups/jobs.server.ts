import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { runBackup } from './backups.server.ts';
import { purgeBackups } from './purge.server.ts';
import { backUpWhatIsDue } from './schedule.server.ts';

defineJob({
	name: 'backups.take',
	payload: z.object({ backupId: z.uuid() }),
	run: ({ backupId }, { signal }) => runBackup(backupId, signal),
	concurrency: 2,
	// Taken up again only after a crash: a backup that failed is a failed row, and trying again is a new one.
	queue: { retryLimit: 3, heartbeatSeconds: 10, expireInSeconds: 4 * 3600 }
});

defineJob({
	name: 'backups.schedule',
	payload: z.object({}),
	run: () => backUpWhatIsDue(),
	schedule: { cron: '*/10 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'backups.purge',
	payload: z.object({}),
	run: () => purgeBackups(),
	schedule: { cron: '41 2 * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
