/** Every area's jobs and sagas: importing this file is what makes them known to the queue. */
import '../backups/jobs.server.ts';
import '../billing/jobs.server.ts';
import '../core/sagaRunner.server.ts';
import '../customers/jobs.server.ts';
import '../domains/tunnels.server.ts';
import '../identity/jobs.server.ts';
import '../infrastructure/jobs.server.ts';
import '../logs/jobs.server.ts';
import '../notifications/jobs.server.ts';
import '../plans/jobs.server.ts';
import '../provisioning/createTenant.server.ts';
import '../provisioning/deleteTenant.server.ts';
import '../provisioning/jobs.server.ts';
import '../provisioning/limitJobs.server.ts';
