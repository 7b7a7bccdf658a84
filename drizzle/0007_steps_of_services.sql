UPDATE "steps" SET "photo_ids" = jsonb_build_array("from_photo_id", "to_photo_id"), "output_key" = "clip_key", "output_info" = "clip_info";--> statement-breakpoint
UPDATE "orders" SET "mode" = "input" ->> 'mode', "opened_at" = "created_at";--> statement-breakpoint
-- A quote of before does not name its photos: it is made again, at the price of the day.
UPDATE "orders" SET "state" = 'draft', "quote" = NULL, "canvas" = NULL, "mode" = NULL, "input" = '{}'::jsonb WHERE "state" = 'quoted';--> statement-breakpoint
ALTER TABLE "steps" DROP CONSTRAINT "steps_from_photo_id_photos_id_fk";
--> statement-breakpoint
ALTER TABLE "steps" DROP CONSTRAINT "steps_to_photo_id_photos_id_fk";
--> statement-breakpoint
ALTER TABLE "orders" DROP COLUMN "result_key";--> statement-breakpoint
ALTER TABLE "steps" DROP COLUMN "from_photo_id";--> statement-breakpoint
ALTER TABLE "steps" DROP COLUMN "to_photo_id";--> statement-breakpoint
ALTER TABLE "steps" DROP COLUMN "clip_key";--> statement-breakpoint
ALTER TABLE "steps" DROP COLUMN "clip_info";