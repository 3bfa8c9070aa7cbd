/** `node src/cli/permissions-document.ts` writes docs/permissions.md anew. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { permissionsDocument } from '#lib/identity/permissionsDocument.ts';

const file = fileURLToPath(new URL('../../docs/permissions.md', import.meta.url));
writeFileSync(file, await format(permissionsDocument(), { parser: 'markdown' }));
