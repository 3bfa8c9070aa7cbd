-- A provider counts the calls of all our processes together, so they are granted one after another. Each statement of a
-- volatile function sees what was committed before it began: what the lock was waited for is counted.
-- `wait_ms`: when to ask again; null when the call is granted.
CREATE FUNCTION take_provider_call(of_vendor text, in_lane text, at_most int, window_seconds int)
	RETURNS TABLE (granted boolean, used int, wait_ms int, paused boolean)
	LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
	at timestamptz;
	begins timestamptz;
	paused_until timestamptz;
	leaving timestamptz;
BEGIN
	-- A crash of the database may forget the last moments of counting; no call has to wait for the disk.
	PERFORM set_config('synchronous_commit', 'off', true);
	PERFORM pg_advisory_xact_lock(hashtextextended('provider:' || of_vendor, 0));
	at := clock_timestamp();
	begins := date_bin(interval '10 seconds', at - make_interval(secs => window_seconds), timestamptz 'epoch');
	SELECT p.until INTO paused_until FROM provider_pauses p WHERE p.vendor = of_vendor AND p.until > at;
	SELECT coalesce(sum(u.calls), 0)::int INTO used FROM provider_uses u WHERE u.vendor = of_vendor AND u.slice >= begins;
	paused := paused_until IS NOT NULL;
	granted := NOT paused AND used < at_most;
	IF granted THEN
		INSERT INTO provider_uses AS u (vendor, slice, lane, calls)
			VALUES (of_vendor, date_bin(interval '10 seconds', at, timestamptz 'epoch'), in_lane, 1)
			ON CONFLICT (vendor, slice, lane) DO UPDATE SET calls = u.calls + 1;
		used := used + 1;
	ELSE
		-- The newest slice that has to leave the window before there is room again.
		IF used >= at_most THEN
			SELECT s.slice INTO leaving FROM (
				SELECT u.slice, sum(sum(u.calls)) OVER (ORDER BY u.slice DESC) AS kept
				FROM provider_uses u WHERE u.vendor = of_vendor AND u.slice >= begins GROUP BY u.slice
			) s WHERE s.kept >= at_most ORDER BY s.slice DESC LIMIT 1;
			leaving := coalesce(leaving, at) + make_interval(secs => window_seconds + 10);
		END IF;
		wait_ms := ceil(1000 * extract(epoch FROM greatest(leaving, paused_until) - at))::int;
	END IF;
	RETURN NEXT;
END $$;

-- The provider says that less is left than we counted: others use it as well. What is missing counts as theirs from the
-- begin of the provider's own window, so that it is forgotten when that ends. Returns how many were missing.
CREATE FUNCTION tighten_provider(of_vendor text, at_most int, left_there int, reset_seconds int, window_seconds int)
	RETURNS int
	LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
	at timestamptz;
	begins timestamptz;
	missing int;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	PERFORM pg_advisory_xact_lock(hashtextextended('provider:' || of_vendor, 0));
	at := clock_timestamp();
	begins := date_bin(interval '10 seconds', at - make_interval(secs => window_seconds), timestamptz 'epoch');
	SELECT at_most - left_there - coalesce(sum(u.calls), 0)::int INTO missing
		FROM provider_uses u WHERE u.vendor = of_vendor AND u.slice >= begins;
	IF missing <= 0 THEN
		RETURN 0;
	END IF;
	INSERT INTO provider_uses AS u (vendor, slice, lane, calls)
		VALUES (of_vendor,
			greatest(begins, date_bin(interval '10 seconds',
				at + make_interval(secs => least(reset_seconds, window_seconds) - window_seconds), timestamptz 'epoch')),
			'other', missing)
		ON CONFLICT (vendor, slice, lane) DO UPDATE SET calls = u.calls + excluded.calls;
	RETURN missing;
END $$;

REVOKE ALL ON FUNCTION take_provider_call(text, text, int, int) FROM PUBLIC;
REVOKE ALL ON FUNCTION tighten_provider(text, int, int, int, int) FROM PUBLIC;
