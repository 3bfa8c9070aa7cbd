/** Every area's topics: importing this file is what makes them known to the hub. Identity's own come with the hub. */
import '../analytics/topics.server.ts';
import '../billing/topics.server.ts';
import '../plans/topics.server.ts';
import '../customers/topics.server.ts';
import '../domains/edge/edgeTopics.server.ts';
import '../domains/tunnels/connectorTopics.server.ts';
import '../domains/custom/domainTopics.server.ts';
import '../domains/topics.server.ts';
import '../domains/tunnels/tunnelTopics.server.ts';
import '../infrastructure/templates/templateTopics.server.ts';
import '../infrastructure/topics.server.ts';
import '../provisioning/moves/moveTopics.server.ts';
import '../provisioning/topics.server.ts';
