import CircleStop from '@lucide/svelte/icons/circle-stop';
import Play from '@lucide/svelte/icons/play';
import RotateCw from '@lucide/svelte/icons/rotate-cw';
import SquareTerminal from '@lucide/svelte/icons/square-terminal';
import { m } from '#i18n/paraglide/messages.js';
import type { MenuItem } from '#lib/ui/menu.ts';
import type { ContainerRow } from './containerList.server.ts';
import { refusalOf } from './actRules.ts';

/** Acts that ask first. */
export type AskedAct = 'stop' | 'restart';

export function containerHref(id: string): string {
	return `/admin/infrastructure/containers/${id}`;
}

/** What can be done with a container where it is listed; empty for one that nothing is asked of. */
export function actItems(
	row: ContainerRow,
	may: { write: boolean; console: boolean },
	ask: (act: AskedAct) => void
): MenuItem[] {
	const refused = refusalOf('restart', row) !== null;
	const base = containerHref(row.id);
	const items: MenuItem[] = [];
	if (may.write && !refused) {
		const disabled = row.act !== null;
		if (row.status !== 'running')
			items.push({
				label: m.container_act_start(),
				icon: Play,
				action: `${base}?/start`,
				disabled
			});
		items.push({
			...{ label: `${m.container_act_restart()}…`, icon: RotateCw, disabled },
			onselect: () => ask('restart')
		});
		if (row.status !== 'stopped')
			items.push({
				...{ label: `${m.container_act_stop()}…`, icon: CircleStop, disabled, danger: true },
				onselect: () => ask('stop')
			});
	}
	if (may.console && row.status === 'running')
		items.push({
			...{ label: m.container_console(), icon: SquareTerminal, href: `${base}/console` },
			separated: items.length > 0
		});
	return items;
}
