import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { invalid } from './errors.ts';
import type { Form } from './form.ts';
import { page } from './paging.ts';
import type { TaxId } from './state.ts';
import type { Customer } from './types.ts';

export const taxIds: Operation[] = [
	{
		method: 'POST',
		path: '/v1/customers/:id/tax_ids',
		run: ({ account, params, path }) =>
			createTaxId(account, account.get('customers', path.id ?? ''), params)
	},
	{
		method: 'GET',
		path: '/v1/customers/:id/tax_ids',
		run: ({ account, params, path }) => {
			const { id } = account.get('customers', path.id ?? '');
			const rows = account.all('tax_ids').filter((row) => row.customer === id);
			return page(params, rows, `/v1/customers/${id}/tax_ids`);
		}
	},
	{
		method: 'GET',
		path: '/v1/customers/:id/tax_ids/:tax_id',
		run: ({ account, path }) => account.get('tax_ids', path.tax_id ?? '')
	},
	{
		method: 'DELETE',
		path: '/v1/customers/:id/tax_ids/:tax_id',
		run: ({ account, path }) => {
			const taxId = account.get('tax_ids', path.tax_id ?? '');
			account.remove('tax_ids', taxId.id);
			account.emit('customer.tax_id.deleted', taxId);
			return { id: taxId.id, object: 'tax_id', deleted: true };
		}
	}
];

export function createTaxId(account: Account, customer: Customer, params: Form): TaxId {
	const type = params.required('type');
	if (!/^[a-z]{2}_[a-z_]+$/.test(type))
		throw invalid(`Invalid type: ${type}`, params.param('type'));
	const taxId = account.add('tax_ids', {
		id: account.id('txi_1', 23),
		object: 'tax_id',
		country: type.startsWith('eu_') ? null : type.slice(0, 2).toUpperCase(),
		created: account.now(customer.id),
		customer: customer.id,
		type,
		value: params.required('value'),
		...{
			customer_account: null,
			livemode: false,
			owner: { customer: customer.id, customer_account: null, type: 'customer' },
			verification: { status: 'unavailable', verified_address: null, verified_name: null }
		}
	});
	account.emit('customer.tax_id.created', taxId);
	return taxId;
}
