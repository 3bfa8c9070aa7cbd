import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { databasesSchema } from '../infrastructure/containers/databases.ts';
import { databasesProblem } from '../infrastructure/nodes/enrolmentWords.ts';
import { suggestSlug, slugProblem } from './slug.ts';

/** What was found inside an adopted container, each database with the instance that it is. @throws {AppError} NOT_FOUND */
export async function adoptedDatabases(tx: Tx, containerId: string) {
	const container = await tx.container.findFirst({
		where: { id: containerId, adopted: true },
		select: {
			odooVersion: true,
			databases: true,
			tenants: {
				where: { status: { notIn: ['deleted', 'refunded'] } },
				select: {
					id: true,
					slug: true,
					databaseName: true,
					customer: { select: { companyName: true } }
				}
			}
		}
	});
	if (!container) throw new AppError('NOT_FOUND');
	const found = databasesSchema.safeParse(container.databases).data ?? null;
	return {
		odooVersion: container.odooVersion,
		at: found?.at ?? null,
		problem: found?.problem ? databasesProblem(found.problem) : null,
		detail: found?.detail ?? null,
		databases: (found?.databases ?? []).map((database) => ({
			...database,
			tenant: container.tenants.find(({ databaseName }) => databaseName === database.name) ?? null,
			suggestion: suggestion(database.name)
		}))
	};
}

/** The database's name where that can be an instance's, or what comes near it. */
function suggestion(database: string): string {
	const slug = slugProblem(database) === null ? database : suggestSlug(database);
	return slugProblem(slug) === null ? slug : '';
}
