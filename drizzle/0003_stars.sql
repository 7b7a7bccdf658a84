CREATE TABLE "admin_log" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"admin_id" bigint NOT NULL,
	"command" text NOT NULL,
	"about_id" bigint,
	"why" text,
	"details" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "promo_codes" (
	"code" text PRIMARY KEY NOT NULL,
	"stars" numeric(10, 2) NOT NULL,
	"uses" integer NOT NULL,
	"used" integer DEFAULT 0 NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"created_by" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "promo_codes_stars" CHECK ("promo_codes"."stars" > 0),
	CONSTRAINT "promo_codes_used" CHECK ("promo_codes"."used" between 0 and "promo_codes"."uses")
);
--> statement-breakpoint
CREATE TABLE "promo_uses" (
	"code" text NOT NULL,
	"person_id" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "promo_uses_code_person_id_pk" PRIMARY KEY("code","person_id")
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"key" text PRIMARY KEY NOT NULL,
	"changed_by" bigint NOT NULL,
	"why" text,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ticket_messages" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"ticket_id" bigint NOT NULL,
	"admin_id" bigint,
	"text" text NOT NULL,
	"key" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ticket_messages_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "tickets" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"person_id" bigint NOT NULL,
	"state" text DEFAULT 'open' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "invoices" (
	"id" text PRIMARY KEY NOT NULL,
	"person_id" bigint NOT NULL,
	"amount_xtr" integer NOT NULL,
	"state" text DEFAULT 'open' NOT NULL,
	"order_id" text,
	"offered" jsonb,
	"message_id" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"paid_at" timestamp with time zone,
	CONSTRAINT "invoices_amount" CHECK ("invoices"."amount_xtr" > 0),
	CONSTRAINT "invoices_paid" CHECK (("invoices"."state" = 'paid') = ("invoices"."paid_at" is not null)),
	CONSTRAINT "invoices_offered" CHECK (("invoices"."order_id" is null) = ("invoices"."offered" is null))
);
--> statement-breakpoint
CREATE TABLE "payments" (
	"charge_id" text PRIMARY KEY NOT NULL,
	"person_id" bigint NOT NULL,
	"amount_xtr" integer NOT NULL,
	"invoice_id" text,
	"source" text NOT NULL,
	"entry_id" bigint NOT NULL,
	"bonus_entry_id" bigint,
	"paid_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp with time zone,
	"settled_at" timestamp with time zone,
	CONSTRAINT "payments_entry_id_unique" UNIQUE("entry_id"),
	CONSTRAINT "payments_bonus_entry_id_unique" UNIQUE("bonus_entry_id"),
	CONSTRAINT "payments_amount" CHECK ("payments"."amount_xtr" > 0)
);
--> statement-breakpoint
CREATE TABLE "star_cursor" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"compared" integer NOT NULL,
	"compared_at" timestamp with time zone NOT NULL,
	CONSTRAINT "star_cursor_one" CHECK ("star_cursor"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "star_refunds" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"charge_id" text NOT NULL,
	"state" text DEFAULT 'requested' NOT NULL,
	"entry_id" bigint NOT NULL,
	"requested_by" text NOT NULL,
	"admin_id" bigint,
	"reason" text,
	"tries" smallint DEFAULT 0 NOT NULL,
	"next_try_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	CONSTRAINT "star_refunds_entry_id_unique" UNIQUE("entry_id")
);
--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP CONSTRAINT "ledger_entries_sign";--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "reverses_id" bigint;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "banned_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "ban_reason" text;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "terms_version" text;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "terms_accepted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "invited_by" bigint;--> statement-breakpoint
ALTER TABLE "promo_uses" ADD CONSTRAINT "promo_uses_code_promo_codes_code_fk" FOREIGN KEY ("code") REFERENCES "public"."promo_codes"("code") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "promo_uses" ADD CONSTRAINT "promo_uses_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ticket_messages" ADD CONSTRAINT "ticket_messages_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_entry_id_ledger_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "public"."ledger_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_bonus_entry_id_ledger_entries_id_fk" FOREIGN KEY ("bonus_entry_id") REFERENCES "public"."ledger_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "star_refunds" ADD CONSTRAINT "star_refunds_charge_id_payments_charge_id_fk" FOREIGN KEY ("charge_id") REFERENCES "public"."payments"("charge_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "star_refunds" ADD CONSTRAINT "star_refunds_entry_id_ledger_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "public"."ledger_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "admin_log_about" ON "admin_log" USING btree ("about_id","id");--> statement-breakpoint
CREATE INDEX "ticket_messages_ticket" ON "ticket_messages" USING btree ("ticket_id","id");--> statement-breakpoint
CREATE INDEX "tickets_person" ON "tickets" USING btree ("person_id","id");--> statement-breakpoint
CREATE INDEX "tickets_open" ON "tickets" USING btree ("updated_at") WHERE "tickets"."state" = 'open';--> statement-breakpoint
CREATE INDEX "invoices_person" ON "invoices" USING btree ("person_id","created_at");--> statement-breakpoint
CREATE INDEX "invoices_order" ON "invoices" USING btree ("order_id") WHERE "invoices"."state" = 'open';--> statement-breakpoint
CREATE INDEX "invoices_open" ON "invoices" USING btree ("expires_at") WHERE "invoices"."state" = 'open';--> statement-breakpoint
CREATE INDEX "invoices_to_take_down" ON "invoices" USING btree ("id") WHERE "invoices"."state" <> 'open' and "invoices"."message_id" is not null;--> statement-breakpoint
CREATE INDEX "payments_person" ON "payments" USING btree ("person_id","paid_at");--> statement-breakpoint
CREATE INDEX "payments_invoice" ON "payments" USING btree ("invoice_id");--> statement-breakpoint
CREATE INDEX "payments_paid_at" ON "payments" USING btree ("paid_at");--> statement-breakpoint
CREATE INDEX "payments_unseen" ON "payments" USING btree ("created_at") WHERE "payments"."seen_at" is null;--> statement-breakpoint
CREATE INDEX "payments_unsettled" ON "payments" USING btree ("created_at") WHERE "payments"."settled_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "star_refunds_once" ON "star_refunds" USING btree ("charge_id") WHERE "star_refunds"."state" <> 'failed';--> statement-breakpoint
CREATE INDEX "star_refunds_charge" ON "star_refunds" USING btree ("charge_id");--> statement-breakpoint
CREATE INDEX "star_refunds_due" ON "star_refunds" USING btree ("next_try_at") WHERE "star_refunds"."state" = 'requested';--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_reverses_id_ledger_entries_id_fk" FOREIGN KEY ("reverses_id") REFERENCES "public"."ledger_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "people" ADD CONSTRAINT "people_invited_by_people_id_fk" FOREIGN KEY ("invited_by") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "ledger_entries_order" ON "ledger_entries" USING btree ("order_id") WHERE "ledger_entries"."order_id" is not null;--> statement-breakpoint
CREATE INDEX "ledger_entries_created" ON "ledger_entries" USING brin ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_entries_reinstated_once" ON "ledger_entries" USING btree ("reverses_id") WHERE "ledger_entries"."kind" = 'reinstatement';--> statement-breakpoint
CREATE INDEX "people_username" ON "people" USING btree (lower("username"));--> statement-breakpoint
CREATE INDEX "people_invited_by" ON "people" USING btree ("invited_by");--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_reverses" CHECK (("ledger_entries"."kind" in ('reversal', 'reinstatement')) = ("ledger_entries"."reverses_id" is not null));--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_sign" CHECK (("ledger_entries"."kind" in ('charge', 'reversal')) = ("ledger_entries"."amount" < 0));--> statement-breakpoint
ALTER TABLE "people" ADD CONSTRAINT "people_invited_by_another" CHECK ("people"."invited_by" <> "people"."id");