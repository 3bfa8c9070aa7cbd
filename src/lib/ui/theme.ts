/** What a person may choose; nothing chosen yet is `undefined`. */
export type ThemeChoice = 'dark' | 'light' | 'system';

export const THEME_COOKIE = 'theme';

/** Reads the cookie's value; anything unknown counts as not chosen. */
export function parseThemeChoice(cookie: string | undefined): ThemeChoice | undefined {
	return cookie === 'dark' || cookie === 'light' || cookie === 'system' ? cookie : undefined;
}

/**
 * The value for `%theme%` in app.html: 'dark' or 'light' when the server can know it, else '' and the inline
 * script of app.html asks the browser. Staff pages start dark until the person chooses.
 */
export function serverTheme(cookie: string | undefined, pathname: string): 'dark' | 'light' | '' {
	const choice = parseThemeChoice(cookie);
	if (choice === 'dark' || choice === 'light') return choice;
	return !choice && isStaffPath(pathname) ? 'dark' : '';
}

/** Pages whose first theme is dark. */
export function isStaffPath(pathname: string): boolean {
	return /^\/(admin|login\/admin)(\/|$)/.test(pathname);
}
