CREATE FUNCTION "refuse_rewriting"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is never rewritten', TG_TABLE_NAME;
END
$$;--> statement-breakpoint
CREATE TRIGGER "payments_unchangeable" BEFORE UPDATE OF "charge_id", "person_id", "amount_xtr", "entry_id", "paid_at" OR DELETE OR TRUNCATE ON "payments"
FOR EACH STATEMENT EXECUTE FUNCTION "refuse_rewriting"();--> statement-breakpoint
CREATE TRIGGER "admin_log_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "admin_log"
FOR EACH STATEMENT EXECUTE FUNCTION "refuse_rewriting"();
