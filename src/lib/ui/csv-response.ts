import { AsyncLocalStorage } from 'node:async_hooks';
import { csvHeader, csvRow, type CsvColumn } from './csv.ts';

type Page = { page: number; pageSize: number; cursor: string | null; uncounted: true };

/** Rows of a list that are in memory at a time. */
const BATCH = 500;

/**
 * Everything that a list's search and filters leave, in its order.
 * @param filename what the browser saves it as
 * @param list reads one page of the list
 */
export function csvOfList<T>(
	filename: string,
	columns: readonly CsvColumn<T>[],
	list: (page: Page) => Promise<{ rows: T[]; meta: { next: string | null } }>
): Response {
	return csvResponse(filename, csvHeader(columns), async (cursor) => {
		const { rows, meta } = await list({ page: 1, pageSize: BATCH, cursor, uncounted: true });
		return { text: rows.map((row) => csvRow(columns, row)).join(''), next: meta.next };
	});
}

/**
 * A download that is read batch by batch while it is sent, so that its size costs no memory.
 * @param filename what the browser saves it as
 * @param head the first line
 * @param read the rows after a cursor (null: the first), and the cursor of what follows
 */
export function csvResponse(
	filename: string,
	head: string,
	read: (cursor: string | null) => Promise<{ text: string; next: string | null }>
): Response {
	let cursor: string | null = null;
	let begun = false;
	// Whoever takes the next rows from the stream has forgotten the request, and the language that it was asked in.
	const asRequested = AsyncLocalStorage.snapshot();
	const body = new ReadableStream<Uint8Array>({
		async pull(controller) {
			const { text, next } = await asRequested(read, cursor);
			controller.enqueue(new TextEncoder().encode(begun ? text : head + text));
			begun = true;
			cursor = next;
			if (next === null) controller.close();
		}
	});
	return new Response(body, {
		headers: {
			'content-type': 'text/csv; charset=utf-8',
			'content-disposition': `attachment; filename="${filename}"`,
			'cache-control': 'no-store'
		}
	});
}
