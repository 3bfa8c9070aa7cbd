import { onMount } from 'svelte';
import { noteTyped, putBack } from './typed.ts';

/**
 * What somebody does on a page before its scripts are there counts: what was typed stays, and the button that was pressed last
 * is pressed once it can answer (`app.html` remembers which). Called while the root layout is set up.
 */
export function catchUp(): void {
	if (typeof document === 'undefined') return;
	noteTyped();
	onMount(() => {
		putBack();
		document.documentElement.dataset.ready = '';
		const button = document.querySelector<HTMLElement>('button[data-pressed]');
		delete button?.dataset.pressed;
		button?.click();
	});
}
