import BellRing from '@lucide/svelte/icons/bell-ring';
import Boxes from '@lucide/svelte/icons/boxes';
import Building2 from '@lucide/svelte/icons/building-2';
import Cable from '@lucide/svelte/icons/cable';
import Globe from '@lucide/svelte/icons/globe';
import Layers from '@lucide/svelte/icons/layers';
import LayoutDashboard from '@lucide/svelte/icons/layout-dashboard';
import Receipt from '@lucide/svelte/icons/receipt';
import Route from '@lucide/svelte/icons/route';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Server from '@lucide/svelte/icons/server';
import Settings from '@lucide/svelte/icons/settings';
import { m } from '#i18n/paraglide/messages.js';
import type { StaffPermission } from '#lib/identity/permissions.ts';
import type { NavGroup, NavItem } from '#lib/ui/nav.ts';

type Entry = NavItem & { needs: StaffPermission };

/** The sidebar of this person: only what the server would open. */
export function navGroups(permissions: ReadonlySet<string>): NavGroup[] {
	const groups: { label?: string; items: Entry[] }[] = [
		{
			items: [
				{
					href: '/admin',
					exact: true,
					label: m.admin_nav_dashboard(),
					icon: LayoutDashboard,
					needs: 'dashboard:read'
				}
			]
		},
		{
			label: m.admin_nav_customers(),
			items: [
				{
					href: '/admin/customers',
					label: m.admin_nav_customers_list(),
					icon: Building2,
					needs: 'customers:read'
				},
				{
					href: '/admin/tenants',
					label: m.admin_nav_tenants(),
					icon: Boxes,
					needs: 'tenants:read'
				},
				{
					href: '/admin/domains',
					label: m.admin_nav_domains(),
					icon: Globe,
					needs: 'domains:read'
				}
			]
		},
		{
			label: m.admin_nav_infrastructure_group(),
			items: [
				{
					href: '/admin/infrastructure',
					label: m.admin_nav_infrastructure(),
					icon: Server,
					needs: 'infrastructure:read'
				},
				{
					href: '/admin/tunnels',
					label: m.admin_nav_tunnels(),
					icon: Cable,
					needs: 'domains:read'
				},
				{
					href: '/admin/provision',
					label: m.admin_nav_provision(),
					icon: Route,
					needs: 'provisioning:read'
				}
			]
		},
		{
			label: m.admin_nav_business(),
			items: [
				{
					href: '/admin/billing',
					label: m.admin_nav_billing(),
					icon: Receipt,
					needs: 'billing:read'
				},
				{
					href: '/admin/plans',
					label: m.admin_nav_plans(),
					icon: Layers,
					needs: 'plans:read'
				}
			]
		},
		{
			label: m.admin_nav_system(),
			items: [
				{
					href: '/admin/alerts',
					label: m.admin_nav_alerts(),
					icon: BellRing,
					needs: 'notifications:read'
				},
				{
					href: '/admin/logs',
					label: m.admin_nav_logs(),
					icon: ScrollText,
					needs: permissions.has('logs:read') ? 'logs:read' : 'audit:read'
				},
				{
					href: '/admin/settings',
					label: m.admin_nav_settings(),
					icon: Settings,
					needs: 'settings:read'
				}
			]
		}
	];
	return groups
		.map(({ label, items }) => ({
			label,
			items: items.filter(({ needs }) => permissions.has(needs))
		}))
		.filter(({ items }) => items.length > 0);
}
