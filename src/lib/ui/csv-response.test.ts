import { expect, it } from 'vitest';
import { m } from '#i18n/paraglide/messages.js';
import { paraglideMiddleware } from '#i18n/paraglide/server.js';
import { csvOfList } from './csv-response.ts';

/** Pages of two rows each; the cursor is how far one has come. */
function listOf(total: number, asked: (string | null)[] = []) {
	return async ({ cursor }: { cursor: string | null }) => {
		asked.push(cursor);
		const from = Number(cursor ?? 0);
		const rows = [from, from + 1].filter((n) => n < total);
		return { rows, meta: { next: from + 2 < total ? String(from + 2) : null } };
	};
}

const number = { label: 'N', value: (n: number) => n };

it('writes every page once, in order', async () => {
	const answer = csvOfList('numeros.csv', [number], listOf(5));
	expect(answer.headers.get('content-disposition')).toBe('attachment; filename="numeros.csv"');
	expect(await answer.text()).toBe('N\r\n0\r\n1\r\n2\r\n3\r\n4\r\n');
});

it('reads no further than it is taken', async () => {
	const asked: (string | null)[] = [];
	const reader = csvOfList('numeros.csv', [number], listOf(1000, asked)).body!.getReader();
	await reader.read();
	await reader.cancel();
	expect(asked.length).toBeLessThan(4);
});

it('keeps the language of the request to the last row', async () => {
	const named = { label: 'N', value: () => m.ui_filter_all() };
	const request = new Request('http://localhost/', { headers: { cookie: 'PARAGLIDE_LOCALE=en' } });
	let made: Response | undefined;
	await paraglideMiddleware(request, () => (made = csvOfList('todo.csv', [named], listOf(6))));
	const spoken = new Set((await made!.text()).trim().split('\r\n').slice(1));
	expect([...spoken]).toEqual([m.ui_filter_all({}, { locale: 'en' })]);
	expect([...spoken]).not.toEqual([m.ui_filter_all({}, { locale: 'es' })]);
});
