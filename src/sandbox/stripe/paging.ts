import { invalid, noSuch } from './errors.ts';
import type { Form } from './form.ts';
import type { Base, List } from './types.ts';

/**
 * A page of rows, newest first. `limit` 1–100 (10), `starting_after` / `ending_before` are ids of the list.
 * @param rows oldest first
 */
export function page<T extends Base>(params: Form, rows: T[], url: string): List<T> {
	const limit = params.integer('limit') ?? 10;
	if (limit < 1 || limit > 100) {
		throw invalid(
			`Invalid integer: ${limit}. Must be between 1 and 100.`,
			'limit',
			'parameter_invalid_integer'
		);
	}
	const newest = rows.toReversed();
	const after = params.text('starting_after');
	const before = params.text('ending_before');
	if (after && before)
		throw invalid('You may only specify one of these parameters: starting_after, ending_before.');
	if (before) {
		const end = position(newest, before, 'ending_before');
		const start = Math.max(0, end - limit);
		return { object: 'list', data: newest.slice(start, end), has_more: start > 0, url };
	}
	const start = after ? position(newest, after, 'starting_after') + 1 : 0;
	return {
		object: 'list',
		data: newest.slice(start, start + limit),
		has_more: newest.length > start + limit,
		url
	};
}

/** `created=ts` or `created[gte|gt|lte|lt]=ts`. */
export function createdIn(params: Form): (row: { created: number }) => boolean {
	if (!params.has('created')) return () => true;
	if (isPlain(params)) {
		const exact = params.integer('created');
		return (row) => row.created === exact;
	}
	const range = params.object('created');
	const gte = range?.integer('gte') ?? -Infinity;
	const gt = range?.integer('gt') ?? -Infinity;
	const lte = range?.integer('lte') ?? Infinity;
	const lt = range?.integer('lt') ?? Infinity;
	return ({ created }) => created >= gte && created > gt && created <= lte && created < lt;
}

/** Keeps rows whose fields equal the parameters of the same name that were sent. */
export function matching<T extends object>(
	params: Form,
	rows: T[],
	names: (keyof T & string)[]
): T[] {
	const wanted = names.filter((name) => params.has(name));
	return rows.filter((row) => wanted.every((name) => String(row[name]) === params.text(name)));
}

function isPlain(params: Form): boolean {
	try {
		return params.text('created') !== undefined;
	} catch {
		return false;
	}
}

function position(rows: Base[], id: string, param: string): number {
	const index = rows.findIndex((row) => row.id === id);
	if (index < 0) throw noSuch(rows[0]?.object ?? 'object', id, param);
	return index;
}
