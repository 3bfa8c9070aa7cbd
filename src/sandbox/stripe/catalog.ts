import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { invalid, missing } from './errors.ts';
import type { Form } from './form.ts';
import { createdIn, matching, page } from './paging.ts';
import type { Interval, Price, Product } from './types.ts';

const INTERVALS = ['day', 'week', 'month', 'year'] as const;

export const catalog: Operation[] = [
	{
		method: 'POST',
		path: '/v1/products',
		run: ({ account, params }) => {
			const product = createProduct(account, params);
			const price = params.object('default_price_data');
			if (price) product.default_price = createPrice(account, price, product.id).id;
			return product;
		}
	},
	{
		method: 'GET',
		path: '/v1/products',
		run: ({ account, params }) => {
			const ids = params.texts('ids');
			const rows = matching(params, account.all('products'), ['active'])
				.filter(createdIn(params))
				.filter((row) => !ids || ids.includes(row.id));
			return page(params, rows, '/v1/products');
		}
	},
	{
		method: 'GET',
		path: '/v1/products/:id',
		run: ({ account, path }) => account.get('products', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/products/:id',
		run: ({ account, params, path }) => {
			const product = account.get('products', path.id ?? '');
			product.name = params.text('name') || product.name;
			product.active = params.flag('active') ?? product.active;
			if (params.has('description')) product.description = params.nullable('description') ?? null;
			const price = params.text('default_price');
			if (price !== undefined) {
				product.default_price =
					price === '' ? null : account.get('prices', price, 'default_price').id;
			}
			product.metadata = params.metadata(product.metadata);
			product.updated = account.now();
			account.emit('product.updated', product);
			return product;
		}
	},
	{
		method: 'POST',
		path: '/v1/prices',
		run: ({ account, params }) => {
			const data = params.object('product_data');
			const product = data ? createProduct(account, data).id : params.required('product');
			return createPrice(account, params, account.get('products', product, 'product').id);
		}
	},
	{
		method: 'GET',
		path: '/v1/prices',
		run: ({ account, params }) => {
			const keys = params.texts('lookup_keys');
			const interval = params.object('recurring')?.text('interval');
			const rows = matching(params, account.all('prices'), [
				'active',
				'product',
				'currency',
				'type'
			])
				.filter(createdIn(params))
				.filter((row) => !keys || (row.lookup_key !== null && keys.includes(row.lookup_key)))
				.filter((row) => !interval || row.recurring?.interval === interval);
			return page(params, rows, '/v1/prices');
		}
	},
	{
		method: 'GET',
		path: '/v1/prices/:id',
		run: ({ account, path }) => account.get('prices', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/prices/:id',
		run: ({ account, params, path }) => {
			const price = account.get('prices', path.id ?? '');
			price.active = params.flag('active') ?? price.active;
			if (params.has('nickname')) price.nickname = params.nullable('nickname') ?? null;
			if (params.has('lookup_key')) price.lookup_key = takeLookupKey(account, params, price.id);
			price.metadata = params.metadata(price.metadata);
			account.emit('price.updated', price);
			return price;
		}
	}
];

function createProduct(account: Account, params: Form): Product {
	const id = params.text('id') || account.id('prod_', 14);
	if (account.find('products', id)) {
		throw invalid(`Product already exists: ${id}.`, 'id', 'resource_already_exists');
	}
	const created = account.now();
	const product = account.add('products', {
		id,
		object: 'product',
		active: params.flag('active') ?? true,
		created,
		updated: created,
		default_price: null,
		description: params.nullable('description') ?? null,
		name: params.required('name'),
		metadata: params.metadata(),
		...{
			images: params.texts('images') ?? [],
			livemode: false,
			marketing_features: [],
			package_dimensions: null,
			shippable: null,
			statement_descriptor: params.nullable('statement_descriptor') ?? null,
			tax_code: params.nullable('tax_code') ?? null,
			tax_details: null,
			type: 'service',
			unit_label: params.nullable('unit_label') ?? null,
			url: params.nullable('url') ?? null
		}
	});
	account.emit('product.created', product);
	return product;
}

/** Creates a price from the parameters of POST /v1/prices or a `price_data`. */
export function createPrice(account: Account, params: Form, product: string, active = true): Price {
	const currency = params.required('currency').toLowerCase();
	if (!/^[a-z]{3}$/.test(currency))
		throw invalid(`Invalid currency: ${currency}.`, params.param('currency'));
	const amount = params.integer('unit_amount');
	const decimal = params.text('unit_amount_decimal');
	if (amount === undefined && decimal === undefined) throw missing(params.param('unit_amount'));
	if (amount !== undefined && amount < 0) {
		throw invalid(
			'Invalid non-negative integer',
			params.param('unit_amount'),
			'parameter_invalid_integer'
		);
	}
	const recurring = params.object('recurring');
	const exact = decimal === undefined ? null : Number(decimal);
	const price = account.add('prices', {
		id: account.id('price_1', 23),
		object: 'price',
		active: params.flag('active') ?? active,
		created: account.now(),
		currency,
		lookup_key: takeLookupKey(account, params, null),
		metadata: params.metadata(),
		nickname: params.nullable('nickname') ?? null,
		product,
		recurring: recurring ? { ...recurrence(recurring) } : null,
		type: recurring ? 'recurring' : 'one_time',
		unit_amount: amount ?? (exact !== null && Number.isInteger(exact) ? exact : null),
		unit_amount_decimal: decimal ?? String(amount),
		...{
			billing_scheme: 'per_unit',
			custom_unit_amount: null,
			livemode: false,
			tax_behavior: params.text('tax_behavior') ?? 'unspecified',
			tiers_mode: null,
			transform_quantity: null
		}
	});
	account.emit('price.created', price);
	return price;
}

/** The price of a line: an existing one, or one made from `price_data`. */
export function priceOf(account: Account, params: Form): Price {
	const id = params.text('price');
	const data = params.object('price_data');
	if (!id && !data) throw missing(params.param('price'));
	if (id) {
		const price = account.get('prices', id, params.param('price'));
		if (!price.active) {
			throw invalid(
				'The price specified is inactive. This field only accepts active prices.',
				params.param('price')
			);
		}
		return price;
	}
	if (!data) throw missing(params.param('price_data'));
	const named = data.object('product_data');
	const product = named ? createProduct(account, named).id : data.required('product');
	account.get('products', product, data.param('product'));
	return createPrice(account, data, product, false);
}

function recurrence(params: Form): { interval: Interval; interval_count: number } {
	const interval = params.choice('interval', INTERVALS);
	if (!interval) throw missing(params.param('interval'));
	return {
		interval,
		interval_count: params.integer('interval_count') ?? 1,
		...{ meter: null, trial_period_days: null, usage_type: params.text('usage_type') ?? 'licensed' }
	};
}

function takeLookupKey(account: Account, params: Form, own: string | null): string | null {
	const key = params.nullable('lookup_key') ?? null;
	if (!key) return null;
	const holder = account
		.all('prices')
		.find((price) => price.lookup_key === key && price.id !== own);
	if (!holder) return key;
	if (!params.flag('transfer_lookup_key')) {
		throw invalid(
			`A price (\`${holder.id}\`) already uses that lookup key (\`${key}\`). To transfer it to this price, set \`transfer_lookup_key\` to true.`,
			params.param('lookup_key')
		);
	}
	holder.lookup_key = null;
	return key;
}
