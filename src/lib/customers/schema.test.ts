import { expect, it } from 'vitest';
import { createCustomerSchema, formOf, MUST_FILL, partialFields } from './schema.ts';

const typed = {
	...{ company_name: ' Luz ', full_name: '', email: 'LUZ@example.com', country: '', phone: '' },
	...{ tax_id: '', what: 'alone' }
};

it('takes a form with everything left empty that may be', () => {
	const form = formOf(createCustomerSchema, ['company_name', 'email']);
	expect(form.parse(typed)).toEqual({
		...{ company_name: 'Luz', full_name: null, email: 'luz@example.com' },
		...{ country: null, phone: null, tax_id: null }
	});
	expect(form.safeParse({ ...typed, email: '' }).success).toBe(false);
});

it('reads what is emptied as nothing, and refuses that where something must stand', () => {
	const form = formOf(partialFields, MUST_FILL);
	expect(form.parse({ phone: '', city: '' })).toEqual({ phone: null, city: null });
	expect(form.safeParse({ full_name: '' }).success).toBe(false);
	expect(form.safeParse({ phone: 'llámame' }).success).toBe(false);
});
