import type { Icon } from './icon.ts';

export type NavItem = {
	href: string;
	label: string;
	icon: Icon;
	/** A count worth seeing: open tickets, pending set-ups. */
	count?: number;
	/** Only this very page counts as open (the dashboard, whose address begins all others). */
	exact?: boolean;
};

/** A group without a label stands at the top. */
export type NavGroup = { label?: string; items: NavItem[] };

/** Whether an entry stands for the page at `pathname`. */
export function isOpen(item: NavItem, pathname: string): boolean {
	if (item.exact) return pathname === item.href;
	return pathname === item.href || pathname.startsWith(`${item.href}/`);
}
