-- CreateTable
CREATE TABLE "edge_host_removals" (
    "id" UUID NOT NULL,
    "tunnel_id" UUID NOT NULL,
    "hostname" TEXT NOT NULL,
    "path" TEXT,
    "version" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "edge_host_removals_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "edge_host_removals_tunnel_id_version_idx" ON "edge_host_removals"("tunnel_id", "version");

-- AddForeignKey
ALTER TABLE "edge_host_removals" ADD CONSTRAINT "edge_host_removals_tunnel_id_fkey" FOREIGN KEY ("tunnel_id") REFERENCES "tunnels"("id") ON DELETE CASCADE ON UPDATE CASCADE;
