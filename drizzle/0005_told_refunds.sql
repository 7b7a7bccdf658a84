ALTER TABLE "star_cursor" ADD COLUMN "last_line" text;--> statement-breakpoint
ALTER TABLE "star_refunds" ADD COLUMN "told_at" timestamp with time zone;--> statement-breakpoint
UPDATE "star_refunds" SET "told_at" = now() WHERE "state" <> 'requested';--> statement-breakpoint
CREATE INDEX "star_refunds_untold" ON "star_refunds" USING btree ("id") WHERE "star_refunds"."state" <> 'requested' and "star_refunds"."told_at" is null;
