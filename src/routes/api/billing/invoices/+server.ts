import { z } from 'zod';
import { invoicesPage, invoicesQuery } from '#lib/billing/invoiceApi.server.ts';
import { invoiceSchema } from '#lib/billing/invoiceView.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'List invoices, as GET /api/invoices does',
		permission: 'billing:read',
		query: invoicesQuery,
		response: z.array(invoiceSchema)
	},
	({ query }) => invoicesPage(query)
);
