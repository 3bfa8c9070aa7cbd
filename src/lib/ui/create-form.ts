import { superForm, type FormOptions, type SuperForm } from 'sveltekit-superforms/client';
import type { SuperValidated } from 'sveltekit-superforms';

/**
 * The one way to start a validated form: `const form = createForm(data.form)`, then `<Form {form}>`. Keeps what was
 * typed, sends once, clears errors only when new ones arrive. Call it while the component initialises.
 */
export function createForm<
	T extends Record<string, unknown>,
	M,
	In extends Record<string, unknown>
>(validated: SuperValidated<T, M, In>, options: FormOptions<T, M, In> = {}): SuperForm<T, M> {
	return superForm(validated, {
		resetForm: false,
		clearOnSubmit: 'none',
		multipleSubmits: 'prevent',
		errorSelector: '[aria-invalid="true"]',
		autoFocusOnError: true,
		scrollToError: 'auto',
		stickyNavbar: '[data-topbar]',
		...options
	});
}
