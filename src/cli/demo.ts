/** `npm run demo`: everything on this machine, from nothing to a running product; Ctrl-C ends all of it. */
import { runStack } from './run-stack.ts';

await runStack({ app: 'built', build: true });
