import { getContext, setContext } from 'svelte';

/** What a field may ask of the form around it. Getters read reactive state. */
export type FormContext = {
	readonly busy: boolean;
	/** The button that sent the form now under way. */
	readonly submitter: HTMLElement | null;
	has(name: string): boolean;
	value(name: string): unknown;
	set(name: string, value: unknown): void;
	/** The sentences for one field, or undefined. */
	error(name: string): string | undefined;
	required(name: string): boolean;
};

/** What a plain action answers: `fail(400, { errors, values })`, or `{ message }` when it worked. */
export type FormResult = {
	errors?: Record<string, string | string[] | undefined>;
	values?: Record<string, unknown>;
	message?: string;
};

const KEY = Symbol('form');

/** Called by Form. */
export function setFormContext(context: FormContext): void {
	setContext(KEY, context);
}

/** The form around this component, if there is one. */
export function getFormContext(): FormContext | undefined {
	return getContext<FormContext | undefined>(KEY);
}

/** One sentence from what validators give: a string, a list, or superforms' object with `_errors`. */
export function errorText(found: unknown): string | undefined {
	if (typeof found === 'string') return found || undefined;
	if (Array.isArray(found)) return found.filter(Boolean).join(' ') || undefined;
	if (found && typeof found === 'object' && '_errors' in found) return errorText(found._errors);
	return undefined;
}

/** Reads a result that came over the wire; anything that is not of this shape is an empty result. */
export function toFormResult(data: unknown): FormResult {
	if (!data || typeof data !== 'object') return {};
	const { errors, values, message } = data as FormResult;
	return {
		errors: errors && typeof errors === 'object' ? errors : undefined,
		values: values && typeof values === 'object' ? values : undefined,
		message: typeof message === 'string' ? message : undefined
	};
}

/** What an answer says, each sentence once: its message, or else what belongs beside its fields. */
export function sentencesOf({ message, errors }: FormResult): string[] {
	if (message) return [message];
	const beside = Object.values(errors ?? {}).flat();
	return [...new Set(beside.filter((sentence) => sentence !== undefined))];
}
