import type { HTMLAttributes } from 'svelte/elements';

/** What every field that is typed into takes. */
export type TextFieldProps = {
	name: string;
	label: string;
	value?: string | number | null;
	hint?: string;
	error?: string;
	optional?: boolean;
	hideLabel?: boolean;
	/** Machine text: ids, domains, keys. */
	mono?: boolean;
	class?: string;
};

/** What the box inside TextField is made with. */
export type TextBox = {
	attributes: HTMLAttributes<HTMLElement> & { id: string; name: string };
	invalid: boolean;
	/** For `bind:value={box.read, box.write}`. */
	read: () => string | number;
	write: (next: string | number | null) => void;
};
