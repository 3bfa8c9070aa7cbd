import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { ACT_LIST, listActs } from '#lib/infrastructure/containers/actList.server.ts';
import { actLabel, actStatus, actTrouble } from '#lib/infrastructure/containers/actWords.ts';
import { containerOfId } from '#lib/infrastructure/containers/containerPage.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { ContainerAct } from '#prisma/generated/client.ts';
import type { RequestHandler } from './$types';

/** Exactly the acts of one container that the list's filters leave. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const { id, hostname } = await containerOfId(db, event.params.id);
	const query = parseListQuery(event.url, ACT_LIST);
	const trouble = ({ error }: ContainerAct) => (error ? actTrouble(error) : null);
	const columns: CsvColumn<ContainerAct>[] = [
		{ label: m.container_act(), value: ({ act }) => actLabel(act) },
		{ label: m.tenants_status(), value: ({ status }) => actStatus(status).label },
		{ label: m.container_act_error(), value: (act) => trouble(act)?.sentence ?? null },
		{ label: m.container_act_words(), value: (act) => trouble(act)?.technical ?? null },
		{ label: m.container_act_task(), value: ({ taskUpid }) => taskUpid },
		{ label: m.container_act_by(), value: ({ byLabel }) => byLabel },
		{ label: m.container_act_at(), value: ({ createdAt }) => createdAt },
		{ label: m.container_act_started(), value: ({ startedAt }) => startedAt },
		{ label: m.container_act_finished(), value: ({ finishedAt }) => finishedAt }
	];
	return csvOfList(`acciones-${hostname}.csv`, columns, (page) =>
		listActs(db, id, { ...query, ...page })
	);
};
