import { Prisma } from '#prisma/generated/client.ts';
import { withoutSecrets } from '#lib/core/log.server.ts';

// Longer ones say nothing more and fill the disk: a backup's listing, an HTML error page.
const LONGEST = 32 * 1024;

/** A value as a JSON column takes it: without secrets, dates as ISO, and cut when it is very long. */
export function storable(value: unknown): Prisma.InputJsonValue | typeof Prisma.DbNull {
	if (value === undefined || value === null) return Prisma.DbNull;
	const text = JSON.stringify(withoutSecrets(value), (_, entry: unknown) =>
		typeof entry === 'bigint' ? entry.toString() : entry
	);
	if (text === undefined) return Prisma.DbNull;
	if (text.length > LONGEST) return { cut: text.slice(0, LONGEST) };
	return JSON.parse(text) as Prisma.InputJsonValue;
}
