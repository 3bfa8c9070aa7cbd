import { applyAction } from '$app/forms';
import type { SubmitFunction } from '@sveltejs/kit';
import { toast } from 'svelte-sonner';
import { m } from '#i18n/paraglide/messages.js';
import { sentencesOf, toFormResult } from './form-context.ts';
import { leave, showAnswer } from './live.svelte.ts';

/**
 * For forms of one button (retry, suspend, log out), which have no room for sentences: the answer is spoken by a
 * toast. The action answers as in FormResult. `busy` hears true, then false.
 */
export function toastResult(busy: (working: boolean) => void): SubmitFunction {
	let working = false;
	const set = (next: boolean) => busy((working = next));
	return ({ cancel, formElement }) => {
		if (working) return cancel();
		set(true);
		return async ({ result, update }) => {
			set(false);
			if (result.type === 'redirect') return leave(() => applyAction(result));
			if (result.type === 'error') {
				const { code, message, id } = result.error ?? {};
				const unsaid = result.status ? m.ui_error_unknown() : m.ui_form_unsent();
				toast.error(code ? message : unsaid, {
					description: id ? m.ui_error_reference({ id }) : undefined
				});
				return;
			}
			const text = sentencesOf(toFormResult(result.data)).join(' ');
			await showAnswer(update, { reset: false, sent: formElement });
			if (result.type === 'failure') toast.error(text || m.ui_error_unknown());
			else if (text) toast.success(text);
		};
	};
}
