import { redirect } from '@sveltejs/kit';
import { requireStaff } from '#lib/identity/guard.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = (event) => {
	requireStaff(event, 'infrastructure:read');
	redirect(308, '/admin/infrastructure');
};
