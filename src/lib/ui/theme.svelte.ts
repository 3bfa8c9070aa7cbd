import { isStaffPath, parseThemeChoice, THEME_COOKIE, type ThemeChoice } from './theme.ts';

let choice = $state<ThemeChoice | undefined>();

/** What the person chose (undefined: nothing yet). Browser only; on the server always undefined. */
export function themeChoice(): ThemeChoice | undefined {
	return choice;
}

/** Remembers the choice for a year and shows it at once. */
export function chooseTheme(next: ThemeChoice): void {
	choice = next;
	const secure = location.protocol === 'https:' ? '; secure' : '';
	document.cookie = `${THEME_COOKIE}=${next}; path=/; max-age=31536000; samesite=lax${secure}`;
	applyTheme(location.pathname);
}

/** Brings `data-theme` in line with choice, page and system; called after each navigation. */
export function applyTheme(pathname: string): void {
	choice = parseThemeChoice(readCookie(THEME_COOKIE));
	const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
	document.documentElement.dataset.theme =
		choice === 'dark' || choice === 'light'
			? choice
			: !choice && isStaffPath(pathname)
				? 'dark'
				: system;
}

/** Follows the system while nothing else was chosen; returns the function that stops following. */
export function followSystemTheme(): () => void {
	const query = matchMedia('(prefers-color-scheme: dark)');
	const listener = () => applyTheme(location.pathname);
	query.addEventListener('change', listener);
	return () => query.removeEventListener('change', listener);
}

function readCookie(name: string): string | undefined {
	return new RegExp(`(?:^|; )${name}=([^;]*)`).exec(document.cookie)?.[1];
}
