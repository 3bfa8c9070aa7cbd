/** A process of its own that takes calls of a budget at once, and says how many it was granted: `takeCalls.ts <limit> <tries>`. */
import { db } from '#lib/core/db.server.ts';
import { VendorBusy } from '#lib/integrations/errors.ts';
import { takeCall } from '#lib/logs/budget.server.ts';

const [limit, tries] = process.argv.slice(2).map(Number);
const taken = await Promise.allSettled(
	Array.from({ length: tries! }, () => takeCall('several', 'user', { limit: limit!, syncShare: 1 }))
);
for (const one of taken) {
	if (one.status === 'rejected' && !(one.reason instanceof VendorBusy)) throw one.reason;
}
console.log(taken.filter(({ status }) => status === 'fulfilled').length);
await db.$disconnect();
