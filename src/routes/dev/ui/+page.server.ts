import { error, fail } from '@sveltejs/kit';
import { message, superValidate } from 'sveltekit-superforms';
import { zod4 } from 'sveltekit-superforms/adapters';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';
import { people } from './people.ts';
import { sample } from './schema.ts';

/** The gallery helps whoever builds pages; customers never see it. */
function assertNotProduction(): void {
	if (process.env.APP_ENV === 'production') error(404);
}

export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	assertNotProduction();
	const query = parseListQuery(event.url, {
		sort: ['name', 'since', 'mrr'],
		defaultSort: 'name',
		filters: ['plan', 'since'],
		pageSize: 5
	});
	const { q, filters } = query;
	const sign = query.sort.direction === 'asc' ? 1 : -1;
	const found = people
		.filter(({ name, domain }) => `${name} ${domain}`.toLowerCase().includes(q.toLowerCase()))
		.filter(({ plan }) => !filters.plan || plan === filters.plan)
		.filter(({ since }) => !filters.since || since >= filters.since)
		.sort((a, b) => {
			const key = query.sort.key === 'mrr' || query.sort.key === 'since' ? query.sort.key : 'name';
			return a[key] < b[key] ? -sign : sign;
		});
	const start = (query.page - 1) * query.pageSize;
	return {
		form: await superValidate(zod4(sample)),
		rows: found.slice(start, start + query.pageSize),
		meta: { total: found.length, page: query.page, pageSize: query.pageSize, next: null },
		at: Date.now()
	};
};

export const actions: Actions = {
	validated: async (event) => {
		publicRoute(event);
		assertNotProduction();
		const form = await superValidate(event.request, zod4(sample));
		if (!form.valid) return fail(400, { form });
		if (form.data.subdomain === 'ocupado')
			return message(form, 'Ese subdominio ya tiene dueño.', { status: 409 });
		return message(form, `Guardado: ${form.data.company}`);
	},
	plain: async (event) => {
		publicRoute(event);
		assertNotProduction();
		const data = await event.request.formData();
		const reason = String(data.get('reason') ?? '').trim();
		if (reason.length < 5)
			return fail(400, {
				errors: { reason: 'Explique el motivo en al menos 5 letras.' },
				values: { reason }
			});
		return { message: 'Motivo anotado.' };
	},
	confirm: async (event) => {
		publicRoute(event);
		assertNotProduction();
		const data = await event.request.formData();
		return { message: `Confirmado: ${String(data.get('confirm') ?? '')}` };
	},
	broken: async (event) => {
		publicRoute(event);
		assertNotProduction();
		throw new Error('A failure for the gallery');
	}
};
