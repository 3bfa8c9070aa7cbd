import { tick } from 'svelte';

/**
 * What people have typed, ticked or chosen and not sent. New data gives the boxes of a page what the server has: what was
 * typed is put back. It is over with the form that sent it, and with its box.
 */
type Box = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** Boxes that somebody changed, with what they have held since. */
const typed = new Map<Box, string | boolean>();

/**
 * Runs what brings new data, after which every box holds again what was typed in it, before or meanwhile.
 * @param sent the form whose boxes follow the server from here on
 */
export async function keepTyped(
	run: () => Promise<unknown>,
	sent: HTMLFormElement | null = null
): Promise<void> {
	for (const [box, content] of typed)
		// The page has moved on where somebody else wrote into it: another record, or a form that was emptied.
		if (!box.isConnected || box.form === sent || contentOf(box) !== content) typed.delete(box);
	await run();
	await tick();
	putBack();
}

/** Notes what is in the page's boxes and was not in what the server sent, before scripts have touched them. */
export function noteTyped(): void {
	for (const box of document.querySelectorAll<Box>('input, select, textarea'))
		if (isTypedIn(box) && contentOf(box) !== sentBy(box)) typed.set(box, contentOf(box));
}

/** Every box holds again what was typed in it, as far as it is there still and takes it. */
export function putBack(): void {
	for (const [box, content] of [...typed]) put(box, content);
}

function put(box: Box, content: string | boolean): void {
	if (!box.isConnected || contentOf(box) === content) return;
	if (box instanceof HTMLSelectElement && ![...box.options].some(({ value }) => value === content))
		return;
	if (typeof content === 'string') box.value = content;
	else if (isTicked(box)) box.checked = content;
	// Whatever is bound to it hears of it as it did before.
	const event = typeof content === 'string' && !(box instanceof HTMLSelectElement);
	box.dispatchEvent(new Event(event ? 'input' : 'change', { bubbles: true }));
}

function isTypedIn(target: EventTarget | null): target is Box {
	if (target instanceof HTMLInputElement)
		return !['hidden', 'file', 'submit', 'button', 'image', 'reset'].includes(target.type);
	return target instanceof HTMLSelectElement
		? !target.multiple
		: target instanceof HTMLTextAreaElement;
}

function isTicked(box: Box): box is HTMLInputElement {
	return box instanceof HTMLInputElement && (box.type === 'checkbox' || box.type === 'radio');
}

function contentOf(box: Box): string | boolean {
	return isTicked(box) ? box.checked : box.value;
}

function sentBy(box: Box): string | boolean {
	if (isTicked(box)) return box.defaultChecked;
	if (!(box instanceof HTMLSelectElement)) return box.defaultValue;
	const options = [...box.options];
	return (options.find(({ defaultSelected }) => defaultSelected) ?? options[0])?.value ?? '';
}

if (typeof document === 'object') {
	const note = ({ target }: Event) => {
		if (!isTypedIn(target)) return;
		// The last is put back last: of several radio buttons it is the one.
		typed.delete(target);
		typed.set(target, contentOf(target));
	};
	for (const name of ['input', 'change']) document.addEventListener(name, note, { capture: true });
}
