/** Every area's topics: importing this file is what makes them known to the hub. Identity's own come with the hub. */
import '../analytics/topics.server.ts';
import '../billing/topics.server.ts';
import '../plans/topics.server.ts';
import '../customers/topics.server.ts';
import '../infrastructure/topics.server.ts';
import '../provisioning/topics.server.ts';
