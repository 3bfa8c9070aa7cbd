-- CreateTable
CREATE TABLE "vendor_states" (
    "vendor" TEXT NOT NULL,
    "answered_at" TIMESTAMPTZ(3),
    "failing_since" TIMESTAMPTZ(3),

    CONSTRAINT "vendor_states_pkey" PRIMARY KEY ("vendor")
);
