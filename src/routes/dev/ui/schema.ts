import { z } from 'zod';

/** What the gallery's form asks: enough to see every control refuse and accept. */
export const sample = z.object({
	company: z.string().trim().min(3, 'Escriba al menos 3 letras.'),
	email: z.email('Escriba un correo como nombre@empresa.com.'),
	subdomain: z
		.string()
		.regex(/^[a-z][a-z0-9-]{2,30}$/, 'Solo minúsculas, números y guiones, de 3 a 31.'),
	users: z.number().int().min(1, 'Al menos un usuario.').default(5),
	country: z.string().min(2, 'Elija un país.'),
	plan: z.enum(['basic', 'pro', 'enterprise']).default('pro'),
	note: z.string().optional(),
	alerts: z.boolean().default(true),
	terms: z.boolean().refine(Boolean, 'Acepte los términos para continuar.')
});
