import { describe, expect, it } from 'vitest';
import { exportHref, listHref, parseListQuery } from './list-query.ts';

const spec = { sort: ['name', 'created_at'], defaultSort: '-created_at', filters: ['status'] };
const url = (query: string) => new URL(`https://erp.test/admin/customers${query}`);

describe('parseListQuery', () => {
	it('gives the defaults for a bare address', () => {
		expect(parseListQuery(url(''), spec)).toEqual({
			q: '',
			sort: { key: 'created_at', direction: 'desc' },
			page: 1,
			pageSize: 25,
			cursor: null,
			filters: {}
		});
	});
	it('reads search, sort, paging and the filters it knows', () => {
		const query = parseListQuery(
			url('?q=+sol+&sort=name&page=3&page_size=50&status=active&role=x&cursor=abc'),
			spec
		);
		expect(query).toEqual({
			q: 'sol',
			sort: { key: 'name', direction: 'asc' },
			page: 3,
			pageSize: 50,
			cursor: 'abc',
			filters: { status: 'active' }
		});
	});
	it.each(['?sort=password', '?sort=-password', '?page=0', '?page=-1', '?page=1e99', '?page=x'])(
		'falls back where %s makes no sense',
		(query) => {
			const parsed = parseListQuery(url(query), spec);
			expect(parsed.sort).toEqual({ key: 'created_at', direction: 'desc' });
			expect(parsed.page).toBe(1);
		}
	);
	it('never asks for more than a hundred rows', () => {
		expect(parseListQuery(url('?page_size=5000'), spec).pageSize).toBe(100);
	});
});

describe('addresses', () => {
	it('start again at the first page when the list changes', () => {
		expect(listHref(url('?page=7&status=active'), { q: 'sol' })).toBe(
			'/admin/customers?status=active&q=sol'
		);
	});
	it('are bare when nothing is left', () => {
		expect(listHref(url('?q=sol&cursor=x'), { q: null })).toBe('/admin/customers');
	});
	it('export what is filtered, all pages of it', () => {
		expect(exportHref('/admin/customers/export', url('?q=sol&page=2&sort=name'))).toBe(
			'/admin/customers/export?q=sol&sort=name'
		);
	});
});
