import { PrismaPg } from '@prisma/adapter-pg';
import { Prisma, PrismaClient } from '#prisma/generated/client.ts';
import { env } from './env.server.ts';
import { lazy } from './lazy.ts';

/** A transaction, or the client itself where no transaction is open. */
export type Tx = Prisma.TransactionClient;

/** The platform's connection: it owns the tables and sees every row. Never import it under routes/tenant. */
export const db: PrismaClient = lazy(
	() =>
		new PrismaClient({
			adapter: new PrismaPg({
				connectionString: env.DATABASE_URL,
				max: env.DATABASE_POOL_SIZE,
				idleTimeoutMillis: 30_000,
				connectionTimeoutMillis: 5_000,
				application_name: `erp-core ${env.ROLE}`,
				// `pg` takes its own listener off a connection that it hands out, and Prisma adds one a moment later. PostgreSQL
				// that ends it in between, as each restart may, would end the process with an error that nobody hears. Nothing
				// is hidden: the next query on that connection fails.
				onConnect: (client) => void client.on('error', () => {})
			}),
			transactionOptions: { maxWait: 5_000, timeout: 15_000 }
		})
);

/** Runs `work` in one transaction, or joins the one that is given. */
export function transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
	return db.$transaction(work);
}

export interface CustomerScope {
	customerId: string;
	userId: string;
}

/**
 * A transaction that sees one customer's rows and nobody else's: PostgreSQL's row-level security under the role
 * `erp_tenant`. No network call, no streamed promise and no second connection inside.
 */
export function asCustomer<T>(scope: CustomerScope, work: (tx: Tx) => Promise<T>): Promise<T> {
	return db.$transaction(async (tx) => {
		await tx.$executeRaw`SELECT set_config('role', 'erp_tenant', true), set_config('app.customer_id', ${scope.customerId}, true), set_config('app.user_id', ${scope.userId}, true)`;
		return work(tx);
	});
}

/** Runs the rest of a customer's transaction as the owner again, for a verb on a row that the scope has proved. */
export async function asOwner<T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> {
	await tx.$executeRaw`SELECT set_config('role', 'none', true)`;
	return work(tx);
}

/** Waits for and takes a lock that lasts until the transaction ends. */
export async function lock(tx: Tx, name: string): Promise<void> {
	await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
}

/** The time by the one clock that every process of ours shares: what begins later has a later one. Milliseconds. */
export async function databaseTime(tx: Tx = db): Promise<Date> {
	const [row] = await tx.$queryRaw<{ at: Date }[]>`SELECT clock_timestamp()::timestamptz(3) AS at`;
	return row!.at;
}

/** True when `error` says that a unique index already has such a row. */
export function isUniqueViolation(error: unknown): boolean {
	return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}

/**
 * True when no connection became free in time: the work was never begun, and may be asked for again.
 * P2024 and P2028 are Prisma's; the sentence is that of `pg`'s pool.
 */
export function isOverloaded(error: unknown): boolean {
	if (error instanceof Prisma.PrismaClientKnownRequestError) {
		return (
			error.code === 'P2024' ||
			(error.code === 'P2028' && /start a transaction/i.test(error.message))
		);
	}
	return error instanceof Error && /timeout exceeded when trying to connect/.test(error.message);
}
