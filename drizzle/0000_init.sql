CREATE TABLE "accounts" (
	"person_id" bigint PRIMARY KEY NOT NULL,
	"balance" numeric(10, 2) DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "conversations" (
	"key" text PRIMARY KEY NOT NULL,
	"state" jsonb NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"order_id" text NOT NULL,
	"kind" text NOT NULL,
	"part" smallint DEFAULT 1 NOT NULL,
	"message_id" integer NOT NULL,
	"file_id" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "deliveries_once" UNIQUE("order_id","kind","part")
);
--> statement-breakpoint
CREATE TABLE "ledger_entries" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"person_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"amount" numeric(10, 2) NOT NULL,
	"cost" numeric(10, 2) DEFAULT 0 NOT NULL,
	"idempotency_key" text NOT NULL,
	"service_type" text,
	"payment_method" text NOT NULL,
	"charge_id" bigint,
	"order_id" text,
	"reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ledger_entries_idempotency_key_unique" UNIQUE("idempotency_key"),
	CONSTRAINT "ledger_entries_sign" CHECK (("ledger_entries"."kind" = 'charge') = ("ledger_entries"."amount" < 0)),
	CONSTRAINT "ledger_entries_refund" CHECK (("ledger_entries"."kind" = 'refund') = ("ledger_entries"."charge_id" is not null)),
	CONSTRAINT "ledger_entries_service" CHECK ("ledger_entries"."kind" <> 'charge' or "ledger_entries"."service_type" is not null)
);
--> statement-breakpoint
CREATE TABLE "orders" (
	"id" text PRIMARY KEY NOT NULL,
	"person_id" bigint NOT NULL,
	"service_type" text NOT NULL,
	"state" text DEFAULT 'draft' NOT NULL,
	"input" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"quote" jsonb,
	"canvas" jsonb,
	"price" numeric(10, 2),
	"partial" text,
	"failure" text,
	"retries" integer DEFAULT 0 NOT NULL,
	"collector_message_id" integer,
	"progress_message_id" integer,
	"progress_text" text,
	"result_key" text,
	"last_request_id" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"confirmed_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"purged_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "people" (
	"id" bigint PRIMARY KEY NOT NULL,
	"first_name" text NOT NULL,
	"username" text,
	"language" text NOT NULL,
	"gender" text,
	"blocked_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "photos" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"order_id" text NOT NULL,
	"state" text NOT NULL,
	"message_id" integer NOT NULL,
	"position" integer DEFAULT 0 NOT NULL,
	"file_id" text NOT NULL,
	"file_unique_id" text NOT NULL,
	"name" text,
	"skip_reason" text,
	"width" integer,
	"height" integer,
	"original_key" text,
	"canvas_key" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "photos_once" UNIQUE("order_id","file_unique_id")
);
--> statement-breakpoint
CREATE TABLE "predictions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"step_id" bigint NOT NULL,
	"attempt" smallint NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"state" text DEFAULT 'creating' NOT NULL,
	"external_id" text,
	"input" jsonb NOT NULL,
	"fingerprint" text NOT NULL,
	"failure" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	CONSTRAINT "predictions_external_id_unique" UNIQUE("external_id"),
	CONSTRAINT "predictions_attempt" UNIQUE("step_id","attempt")
);
--> statement-breakpoint
CREATE TABLE "steps" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"order_id" text NOT NULL,
	"position" smallint NOT NULL,
	"state" text DEFAULT 'waiting' NOT NULL,
	"rank" integer NOT NULL,
	"price" numeric(10, 2) NOT NULL,
	"cost" numeric(10, 2) NOT NULL,
	"from_photo_id" bigint NOT NULL,
	"to_photo_id" bigint NOT NULL,
	"failure" text,
	"clip_key" text,
	"clip_info" jsonb,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	CONSTRAINT "steps_position" UNIQUE("order_id","position")
);
--> statement-breakpoint
CREATE TABLE "updates" (
	"id" bigint PRIMARY KEY NOT NULL,
	"payload" jsonb,
	"attempts" smallint DEFAULT 0 NOT NULL,
	"handled_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_charge_id_ledger_entries_id_fk" FOREIGN KEY ("charge_id") REFERENCES "public"."ledger_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "photos" ADD CONSTRAINT "photos_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "predictions" ADD CONSTRAINT "predictions_step_id_steps_id_fk" FOREIGN KEY ("step_id") REFERENCES "public"."steps"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "steps" ADD CONSTRAINT "steps_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "steps" ADD CONSTRAINT "steps_from_photo_id_photos_id_fk" FOREIGN KEY ("from_photo_id") REFERENCES "public"."photos"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "steps" ADD CONSTRAINT "steps_to_photo_id_photos_id_fk" FOREIGN KEY ("to_photo_id") REFERENCES "public"."photos"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "ledger_entries_person" ON "ledger_entries" USING btree ("person_id","id");--> statement-breakpoint
CREATE INDEX "ledger_entries_charge" ON "ledger_entries" USING btree ("charge_id");--> statement-breakpoint
CREATE INDEX "orders_person" ON "orders" USING btree ("person_id","created_at");--> statement-breakpoint
CREATE INDEX "orders_state" ON "orders" USING btree ("state");--> statement-breakpoint
CREATE INDEX "photos_order" ON "photos" USING btree ("order_id","message_id","position");--> statement-breakpoint
CREATE INDEX "predictions_measured" ON "predictions" USING btree ("model","ended_at") WHERE "predictions"."state" = 'succeeded';--> statement-breakpoint
CREATE INDEX "steps_waiting" ON "steps" USING btree ("rank") WHERE "steps"."state" = 'waiting';--> statement-breakpoint
CREATE INDEX "updates_open" ON "updates" USING btree ("id") WHERE "updates"."handled_at" is null;