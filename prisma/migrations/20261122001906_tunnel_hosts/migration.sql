-- CreateTable
CREATE TABLE "tunnel_hosts" (
    "tunnel_id" UUID NOT NULL,
    "version" TEXT,
    "state" TEXT,
    "in_force" BOOLEAN,
    "checked_at" TIMESTAMPTZ(3),
    "reached_at" TIMESTAMPTZ(3),
    "trouble" TEXT,
    "detail" TEXT,
    "watched_until" TIMESTAMPTZ(3),
    "followed_from" TIMESTAMPTZ(3),

    CONSTRAINT "tunnel_hosts_pkey" PRIMARY KEY ("tunnel_id")
);

-- CreateTable
CREATE TABLE "tunnel_log_lines" (
    "id" BIGSERIAL NOT NULL,
    "tunnel_id" UUID NOT NULL,
    "cursor" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "level" "log_level" NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "tunnel_log_lines_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "tunnel_log_lines_tunnel_id_id_idx" ON "tunnel_log_lines"("tunnel_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "tunnel_log_lines_tunnel_id_cursor_key" ON "tunnel_log_lines"("tunnel_id", "cursor");

-- AddForeignKey
ALTER TABLE "tunnel_hosts" ADD CONSTRAINT "tunnel_hosts_tunnel_id_fkey" FOREIGN KEY ("tunnel_id") REFERENCES "tunnels"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tunnel_log_lines" ADD CONSTRAINT "tunnel_log_lines_tunnel_id_fkey" FOREIGN KEY ("tunnel_id") REFERENCES "tunnels"("id") ON DELETE CASCADE ON UPDATE CASCADE;
