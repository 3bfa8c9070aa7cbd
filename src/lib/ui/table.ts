import type { Snippet } from 'svelte';
import type { Icon } from './icon.ts';

/** A column of DataTable: `value` for plain text, `cell` for more. */
export type Column<T> = {
	/** Also the sort key in the URL. */
	key: string;
	label: string;
	sortable?: boolean;
	align?: 'left' | 'right';
	/** Machine text: ids, domains. */
	mono?: boolean;
	value?: (row: T) => string | number | null | undefined;
	cell?: Snippet<[T]>;
	/** Tailwind classes for the cells, e.g. a width. */
	class?: string;
	/** Left out of the cards on phones. */
	wideOnly?: boolean;
};

/** A filter of the bar above a table; its value lives in the URL under `name`. */
export type Filter =
	| {
			name: string;
			label: string;
			options: { value: string; label: string }[];
			/** What the list shows without a choice, where that is not everything: "Abiertos". */
			unset?: string;
	  }
	| { name: string; label: string; type: 'date' };

export type Empty = { title: string; hint?: string; icon?: Icon };
