import type { Icon } from './icon.ts';

/** One entry: a link (`href`), a post (`action`), or anything else (`onselect`). */
export type MenuItem = {
	/** Unique within its menu. */
	label: string;
	icon?: Icon;
	href?: string;
	action?: string;
	fields?: Record<string, string>;
	onselect?: () => void;
	danger?: boolean;
	disabled?: boolean;
	checked?: boolean;
	/** A line above. */
	separated?: boolean;
};
