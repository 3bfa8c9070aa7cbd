/**
 * The address of a list: `?q=…&sort=-created_at&page=2&page_size=25&status=active`. One reading for loads, exports
 * and the table that draws the links.
 */
export type ListQuery = {
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
	/** From 1. */
	page: number;
	pageSize: number;
	/** Opaque; when present it wins over `page`. */
	cursor: string | null;
	/** Only the filters that the list knows and that are set. */
	filters: Record<string, string>;
};

export type ListSpec = {
	/** Keys that may be sorted by. */
	sort: readonly string[];
	/** `created_at`, or `-created_at` for descending. */
	defaultSort: string;
	filters?: readonly string[];
	pageSize?: number;
};

/** What the load found out about the whole list. */
export type ListMeta = {
	/** Exact, or null when there are too many to count. */
	total: number | null;
	totalEstimate?: number | null;
	page: number;
	pageSize: number;
	/** Cursor of the next page, null on the last. */
	next?: string | null;
};

export const MAX_PAGE_SIZE = 100;
const MAX_SEARCH = 200;

/** Reads a list's URL; what it does not know falls back to the spec, so a mistyped address still shows the list. */
export function parseListQuery(url: URL, spec: ListSpec): ListQuery {
	const params = url.searchParams;
	const asked = params.get('sort') ?? spec.defaultSort;
	const sort = spec.sort.includes(asked.replace(/^-/, '')) ? asked : spec.defaultSort;
	const filters: Record<string, string> = {};
	for (const name of spec.filters ?? []) {
		const value = params.get(name)?.trim();
		if (value) filters[name] = value;
	}
	return {
		q: (params.get('q') ?? '').trim().slice(0, MAX_SEARCH),
		sort: { key: sort.replace(/^-/, ''), direction: sort.startsWith('-') ? 'desc' : 'asc' },
		page: positive(params.get('page'), 1),
		pageSize: Math.min(MAX_PAGE_SIZE, positive(params.get('page_size'), spec.pageSize ?? 25)),
		cursor: params.get('cursor') || null,
		filters
	};
}

function positive(text: string | null, fallback: number): number {
	const value = Number(text);
	return Number.isSafeInteger(value) && value > 0 ? value : fallback;
}

/**
 * The same list with some parameters changed (null removes). Unless a page is named, it starts again at the first
 * page: page 7 of another search means nothing.
 */
export function listHref(url: URL, changes: Record<string, string | null>): string {
	const params = new URLSearchParams(url.searchParams);
	params.delete('page');
	params.delete('cursor');
	for (const [name, value] of Object.entries(changes)) {
		if (value === null || value === '') params.delete(name);
		else params.set(name, value);
	}
	const query = params.toString();
	return query ? `${url.pathname}?${query}` : url.pathname;
}

/** The address of an export: same search, filters and sort, no paging. */
export function exportHref(path: string, url: URL): string {
	const params = new URLSearchParams(url.searchParams);
	for (const name of ['page', 'page_size', 'cursor', 'tab']) params.delete(name);
	const query = params.toString();
	if (!query) return path;
	return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}
