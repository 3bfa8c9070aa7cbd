import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
// Importing it is what makes the saga known.
import './makeServer.server.ts';
import { detachForgotten, detachLeft } from './leftRoles.server.ts';
import { removeServer } from './removeServer.server.ts';
import { watchServers } from './watchServers.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.watch-database-servers': Record<string, never>;
	}
}

defineJob({
	name: 'infrastructure.remove-database-server',
	payload: z.object({ containerId: z.uuid() }),
	run: ({ containerId }, { signal }) => removeServer(containerId, signal),
	queue: ONE_PER_KEY
});

defineJob({
	name: 'infrastructure.detach-databases',
	payload: z.object({ containerId: z.uuid() }),
	run: ({ containerId }) => detachLeft(containerId),
	// Who looks each minute asks again.
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'infrastructure.watch-database-servers',
	payload: z.object({}),
	async run() {
		await watchServers();
		await transaction((tx) => detachForgotten(tx));
	},
	schedule: { cron: '* * * * *', payload: {} },
	// One at a time; what one look misses the next one does.
	queue: { policy: 'short', retryLimit: 0 }
});
