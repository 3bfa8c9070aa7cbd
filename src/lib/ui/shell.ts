import type { Snippet } from 'svelte';
import type { MenuItem } from './menu.ts';
import type { NavGroup } from './nav.ts';

/** What both shells take. */
export type ShellProps = {
	/** Only entries that this person may open. */
	groups: NavGroup[];
	live?: 'live' | 'connecting' | 'offline';
	/** The bell as a link; `bell` replaces it by something richer. */
	notifications?: { href: string; unread: number };
	bell?: Snippet;
	person: { name: string; detail?: string };
	/** The person's menu: profile, security, log out (as `action`). */
	personItems: MenuItem[];
	children: Snippet;
};
