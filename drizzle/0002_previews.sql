CREATE TABLE "previews" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"person_id" bigint NOT NULL,
	"order_id" text NOT NULL,
	"state" text DEFAULT 'waiting' NOT NULL,
	"photo_ids" jsonb NOT NULL,
	"tries" smallint DEFAULT 0 NOT NULL,
	"file_id" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "photos" ADD COLUMN "look" jsonb;--> statement-breakpoint
ALTER TABLE "previews" ADD CONSTRAINT "previews_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "previews" ADD CONSTRAINT "previews_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "previews_one_at_a_time" ON "previews" USING btree ("person_id") WHERE "previews"."state" = 'waiting';--> statement-breakpoint
CREATE INDEX "previews_person" ON "previews" USING btree ("person_id","created_at");--> statement-breakpoint
CREATE INDEX "previews_order" ON "previews" USING btree ("order_id");