import { z } from 'zod';

/** A box of a form, which is sent when it is ticked; in JSON a boolean. Not sent at all is `false`. */
export const tickbox = z
	.union([z.boolean(), z.enum(['on', 'true', 'false', ''])])
	.default(false)
	.transform((value) => value === true || value === 'on' || value === 'true');
