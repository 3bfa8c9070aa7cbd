import type { Kernel } from '../../src/sandbox/kernel/kernel.ts';
import type { FaultRequest } from '../../src/sandbox/kernel/faults.ts';
import { db } from '#lib/core/db.server.ts';

/**
 * Does some work in a process that dies at a call, before or after it took effect: the answer never comes, so that
 * nothing of the work goes on. What it held in the database would be held for ever, and whoever comes next would wait.
 * @returns whether it died; false when the work was done without such a call
 */
export async function dyingAt(
	kernel: Kernel,
	call: Omit<FaultRequest, 'kind' | 'onTaken'>,
	work: () => Promise<unknown>
): Promise<boolean> {
	let fault: { id: string } | null = null;
	const died = new Promise<true>((resolve) => {
		fault = kernel.faults.add({ ...call, kind: 'timeout', onTaken: () => resolve(true) });
	});
	const done = work().then(
		() => false,
		// A dead process is nobody whose errors are heard, but one that lives is.
		(error: unknown) => ({ error })
	);
	const end = await Promise.race([died, done]);
	if (fault !== null) kernel.faults.clear((fault as { id: string }).id);
	if (typeof end === 'object') throw end.error;
	return end;
}

let triggers = 0;

/**
 * Does some work in a process that dies in a transaction, which is undone: the first that writes such rows.
 * @param where condition on `new` and, of a change, `old`, in SQL
 * @returns whether it died
 */
export async function dyingWriting(
	table: string,
	where: string,
	work: () => Promise<unknown>,
	on: 'UPDATE' | 'INSERT' = 'UPDATE'
): Promise<boolean> {
	const name = `dies_${++triggers}`;
	await db.$executeRawUnsafe(`CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN RAISE EXCEPTION 'the process died'; END $$`);
	await db.$executeRawUnsafe(`CREATE TRIGGER ${name} BEFORE ${on} ON ${table}
		FOR EACH ROW WHEN (${where}) EXECUTE FUNCTION ${name}()`);
	try {
		await work();
		return false;
	} catch (error) {
		if (!String(error).includes('the process died')) throw error;
		return true;
	} finally {
		await db.$executeRawUnsafe(`DROP TRIGGER ${name} ON ${table}`);
		await db.$executeRawUnsafe(`DROP FUNCTION ${name}()`);
	}
}
