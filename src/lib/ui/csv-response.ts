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
	const body = new ReadableStream<Uint8Array>({
		async pull(controller) {
			const { text, next } = await read(cursor);
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
