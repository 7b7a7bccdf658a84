CREATE TABLE "avatars" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"person_id" bigint NOT NULL,
	"order_id" text NOT NULL,
	"name" text NOT NULL,
	"gender" text NOT NULL,
	"trigger_word" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone,
	"forgotten_at" timestamp with time zone,
	CONSTRAINT "avatars_order_id_unique" UNIQUE("order_id")
);
--> statement-breakpoint
CREATE TABLE "recordings" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"order_id" text NOT NULL,
	"state" text NOT NULL,
	"message_id" integer NOT NULL,
	"file_id" text NOT NULL,
	"file_unique_id" text NOT NULL,
	"name" text,
	"seconds" integer,
	"refusal" text,
	"input_key" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "recordings_once" UNIQUE("order_id","message_id")
);
--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "answers" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "mode" text;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "opened_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "predictions" ADD COLUMN "kind" text DEFAULT 'prediction' NOT NULL;--> statement-breakpoint
ALTER TABLE "steps" ADD COLUMN "photo_ids" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "steps" ADD COLUMN "output_key" text;--> statement-breakpoint
ALTER TABLE "steps" ADD COLUMN "output_info" jsonb;--> statement-breakpoint
ALTER TABLE "avatars" ADD CONSTRAINT "avatars_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "avatars" ADD CONSTRAINT "avatars_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recordings" ADD CONSTRAINT "recordings_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "avatars_person" ON "avatars" USING btree ("person_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "recordings_one_counts" ON "recordings" USING btree ("order_id") WHERE "recordings"."state" in ('pending', 'ready');