import { beforeNavigate, goto } from '$app/navigation';
import { isLeaving } from './live.svelte.ts';
import { keepTyped } from './typed.ts';

/** How soon it is tried again while the page may be on its way to another. */
const AGAIN_MS = 100;

/**
 * Lets the address of a page follow what is typed in it, without a new entry in the history. What would come too late,
 * because the page is being left, does not come.
 * @param hrefOf the address for what stands there now; null: it stays
 * @returns what is called at each change, with how many milliseconds to wait for the next
 */
export function followTyping(hrefOf: () => string | null): (wait?: number) => void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	beforeNavigate(() => clearTimeout(timer));
	return (wait = 0) => {
		clearTimeout(timer);
		timer = setTimeout(go, wait);
	};

	function go() {
		// What leads elsewhere and is still being looked up would be ended by this.
		if (isLeaving()) {
			timer = setTimeout(go, AGAIN_MS);
			return;
		}
		const href = hrefOf();
		if (!href) return;
		void keepTyped(() => goto(href, { keepFocus: true, noScroll: true, replaceState: true }));
	}
}
