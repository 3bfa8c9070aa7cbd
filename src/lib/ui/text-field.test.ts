import { render } from 'svelte/server';
import { describe, expect, it } from 'vitest';
import type { TextFieldProps } from './text-field.ts';
import Textarea from './Textarea.svelte';
import TextInput from './TextInput.svelte';

const attribute = (html: string, name: string) => new RegExp(` ${name}="([^"]*)"`).exec(html)?.[1];

describe.each([
	['an input', (props: TextFieldProps) => render(TextInput, { props }).body],
	['an area', (props: TextFieldProps) => render(Textarea, { props }).body]
])('%s', (_, draw) => {
	it('is named by its label, and explained by its hint and its error', () => {
		const given = { value: 'Acme', hint: 'Su RUC', error: 'Falta' };
		const body = draw({ name: 'company', label: 'Empresa', ...given });
		const id = attribute(body, 'id')!;
		expect(body).toContain(`<label for="${id}"`);
		expect(body).toContain('Acme');
		expect(attribute(body, 'name')).toBe('company');
		expect(attribute(body, 'aria-invalid')).toBe('true');
		expect(attribute(body, 'aria-required')).toBe('true');
		const explained = attribute(body, 'aria-describedby')!.split(' ');
		expect(explained).toHaveLength(2);
		for (const by of explained) expect(body).toContain(`<p id="${by}"`);
	});

	it('is not asked for where it is optional, and not wrong without an error', () => {
		const body = draw({ name: 'note', label: 'Nota', optional: true });
		expect(attribute(body, 'aria-required')).toBeUndefined();
		expect(attribute(body, 'aria-invalid')).toBeUndefined();
		expect(attribute(body, 'aria-describedby')).toBeUndefined();
	});
});

it('shows what is fixed around what is typed', () => {
	const { body } = render(TextInput, {
		props: { name: 'slug', label: 'Nombre', prefix: 'https://', suffix: '.sajet.us', value: 'acme' }
	});
	expect(body).toMatch(/https:\/\/<\/span>.*value="acme".*\.sajet\.us<\/span>/s);
});
