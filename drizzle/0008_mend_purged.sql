-- A repeated order kept Telegram's file ids where it was to keep names that fetch nothing.
UPDATE "photos" SET "file_unique_id" = 'purged:' || "photos"."id" FROM "orders" WHERE "orders"."id" = "photos"."order_id" AND "orders"."purged_at" IS NOT NULL;--> statement-breakpoint
UPDATE "recordings" SET "file_unique_id" = 'purged:' || "recordings"."id" FROM "orders" WHERE "orders"."id" = "recordings"."order_id" AND "orders"."purged_at" IS NOT NULL;
