-- A queue's policy cannot be changed: the queues are made anew when a process starts. What they held is found again by
-- the reaper of runs and by the periodic look at tunnels, within a minute.
DO $$
DECLARE
	queue_name text;
BEGIN
	IF to_regclass('pgboss.queue') IS NULL THEN
		RETURN;
	END IF;
	FOREACH queue_name IN ARRAY ARRAY['sagas.run', 'tunnels.converge', 'provisioning.capacity-appeared'] LOOP
		PERFORM pgboss.delete_queue(queue_name);
	END LOOP;
END
$$;
