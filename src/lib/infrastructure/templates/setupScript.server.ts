import { createHash } from 'node:crypto';
import common from '../../../../deploy/lxc/inside/10-common.sh?raw';
import system from '../../../../deploy/lxc/inside/20-system.sh?raw';
import postgresql from '../../../../deploy/lxc/inside/30-postgresql.sh?raw';
import odoo from '../../../../deploy/lxc/inside/40-odoo.sh?raw';
import service from '../../../../deploy/lxc/inside/50-service.sh?raw';
import nginx from '../../../../deploy/lxc/inside/60-nginx.sh?raw';
import databases from '../../../../deploy/lxc/inside/70-databases.sh?raw';
import finish from '../../../../deploy/lxc/inside/80-finish.sh?raw';
import main from '../../../../deploy/lxc/inside/90-main.sh?raw';

/** What `bash -s` inside the container gets on stdin: the parts of deploy/lxc/inside, in order. */
export const SETUP_SCRIPT = [
	...[common, system, postgresql, odoo, service, nginx, databases, finish, main]
].join('');

/** Tells which script a template was made with. */
export const SETUP_VERSION = createHash('sha256').update(SETUP_SCRIPT).digest('hex').slice(0, 12);
