import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { closeMonths } from '#lib/billing/figureMonths.server.ts';
import { setting } from '#lib/settings/settings.server.ts';

await closeMonths(now(), await setting('general.timezone'));
await db.$disconnect();
