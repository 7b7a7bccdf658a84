import { and, desc, eq, isNull } from 'drizzle-orm';
import type { Db, Queryable } from '../db/database.ts';
import { avatars, orders, people, recordings } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import { GENDERS, type Gender, resolveGender } from '../domain/gender.ts';
import { isOpen } from '../domain/order-state.ts';
import { cleanText } from '../domain/person-text.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { AvatarRef, Option, Question, Service } from '../services/service.ts';
import { reopenOrder } from './draft.ts';
import type { AnswerOutcome, NextOutcome } from './orders.ts';
import { lockOrder, type OrderRow, readOrder, readyPhotos } from './rows.ts';

export interface AnswerDeps {
  readonly db: Db;
  readonly catalogue: Catalogue;
}

/** What reads, inside a transaction or outside. */
type Reading = Omit<AnswerDeps, 'db'> & { readonly db: Queryable };

/** Everything that is known about an order, as its service's input wants it, and what is not. */
export interface Facts {
  readonly values: Readonly<Record<string, unknown>>;
  /** The questions without an answer, in their order. */
  readonly open: readonly Question[];
}

/** Reads what was answered, sent and known before. */
export async function gatherFacts(
  db: Queryable,
  order: OrderRow,
  service: Service,
): Promise<Facts> {
  const values: Record<string, unknown> = { ...order.answers };
  const open: Question[] = [];
  for (const question of service.questions) {
    if (!(await isKnown(db, order, question, values))) open.push(question);
  }
  // Whose pictures they are is known also where nobody asks for it.
  if (!service.questions.some(({ kind }) => kind === 'gender')) {
    await isGenderKnown(db, order, false, values);
  }
  return { values, open };
}

/** What the person is to be asked next. */
export async function nextQuestion(
  deps: AnswerDeps,
  orderId: string,
  personId: number,
): Promise<NextOutcome> {
  const order = await readOrder(deps.db, orderId, personId);
  if (!order || !isOpen(order.state)) return { kind: 'closed' };
  const service = deps.catalogue.require(order.serviceType);
  const { open } = await gatherFacts(deps.db, order, service);
  const [question] = open.filter((one) => !isCounted(order, one));
  if (!question) return { kind: 'complete' };
  const options = await optionsOf(deps, order, question);
  if (question.kind === 'avatar' && options.length === 0) return { kind: 'no_avatars' };
  const { length: photos } = await readyPhotos(deps.db, orderId);
  return { kind: 'ask', question, options, photos };
}

/**
 * Keeps an answer, once for each request. A long text that comes in several messages is put together.
 */
export async function keepAnswer(
  deps: AnswerDeps,
  about: { readonly orderId: string; readonly personId: number; readonly requestId: number },
  field: string,
  value: string,
): Promise<AnswerOutcome> {
  const { orderId, personId, requestId } = about;
  return deps.db.transaction(async (tx): Promise<AnswerOutcome> => {
    const order = await lockOrder(tx, orderId, personId);
    if (!order || !isOpen(order.state)) return { kind: 'closed' };
    if (order.lastRequestId === requestId) return { kind: 'kept' };
    const service = deps.catalogue.require(order.serviceType);
    const question = service.questions.find((one) => one.field === field);
    const judged = question && (await judge({ ...deps, db: tx }, order, question, value));
    if (!judged) return { kind: 'not_offered' };
    if (judged.kind !== 'value') return judged;
    await reopenOrder(tx, order);
    const answers = { ...order.answers, [field]: judged.value };
    await tx
      .update(orders)
      .set({ answers, lastRequestId: requestId })
      .where(eq(orders.id, orderId));
    return { kind: 'kept' };
  });
}

/**
 * Forgets the newest answer, in the order of the questions, once for each request; false when there is none to
 * forget.
 */
export async function forgetAnswer(
  deps: AnswerDeps,
  about: { readonly orderId: string; readonly personId: number; readonly requestId: number },
): Promise<boolean> {
  const { orderId, personId, requestId } = about;
  return deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId, personId);
    if (!order || !isOpen(order.state)) return false;
    if (order.lastRequestId === requestId) return true;
    const { questions } = deps.catalogue.require(order.serviceType);
    const last = questions.findLast(({ field }) => order.answers[field] !== undefined);
    if (!last) return false;
    await reopenOrder(tx, order);
    const { [last.field]: _forgotten, ...answers } = order.answers;
    await tx
      .update(orders)
      .set({ answers, lastRequestId: requestId })
      .where(eq(orders.id, orderId));
    return true;
  });
}

/** Several photos are asked for until the person says that they are all there. */
function isCounted(order: OrderRow, { kind, field }: Question): boolean {
  return kind === 'photos' && order.answers[field] !== undefined;
}

async function isKnown(
  db: Queryable,
  order: OrderRow,
  question: Question,
  values: Record<string, unknown>,
): Promise<boolean> {
  switch (question.kind) {
    case 'gender':
      return isGenderKnown(db, order, question.always, values);
    case 'photos': {
      const { length: count } = await readyPhotos(db, order.id);
      const isCountKnown = question.max === 1 || values[question.field] !== undefined;
      values[question.field] = question.max === 1 ? Math.min(count, 1) : count;
      return isCountKnown && count >= question.min;
    }
    case 'recording': {
      const [found] = await db
        .select({ seconds: recordings.seconds })
        .from(recordings)
        .where(and(eq(recordings.orderId, order.id), eq(recordings.state, 'ready')));
      if (found?.seconds) values[question.field] = found.seconds;
      return Boolean(found?.seconds);
    }
    case 'avatar': {
      const found = await findAvatar(db, order.personId, values[question.field]);
      if (!found) delete values[question.field];
      else values[question.field] = found;
      return found !== undefined;
    }
    case 'text':
    case 'choice':
      return values[question.field] !== undefined;
    default:
      return assertNever(question);
  }
}

/** This request, its avatar, the person, their newest training: the first that says male or female. */
async function isGenderKnown(
  db: Queryable,
  order: OrderRow,
  always: boolean,
  values: Record<string, unknown>,
): Promise<boolean> {
  const said = asGender(order.answers['gender']);
  if (always) return said !== undefined;
  const [person] = await db.select().from(people).where(eq(people.id, order.personId));
  const gender = resolveGender([
    said,
    (await findAvatar(db, order.personId, order.answers['avatar']))?.gender,
    person?.gender,
    (await listAvatars(db, order.personId))[0]?.gender,
  ]);
  values['gender'] = gender;
  return gender !== 'unset' || said !== undefined || person?.gender != null;
}

type Judged = { readonly kind: 'value'; readonly value: unknown } | AnswerOutcome;

/** The value that an answer stands for; undefined when it is none of what was asked. */
async function judge(
  deps: Reading,
  order: OrderRow,
  question: Question,
  value: string,
): Promise<Judged | undefined> {
  switch (question.kind) {
    case 'text': {
      const preset = question.presets?.find((one) => one.value === value);
      const before = question.long ? order.answers[question.field] : undefined;
      const text =
        preset?.text ?? cleanText(typeof before === 'string' ? `${before}\n${value}` : value);
      const { minLength: min, maxLength: max } = question;
      // As Telegram counts, and the services with it.
      const { length } = text;
      if (length < min) return { kind: 'too_short', min };
      if (length > max) return { kind: 'too_long', max, length };
      return { kind: 'value', value: text };
    }
    case 'choice': {
      const options = await optionsOf(deps, order, question);
      return options.some((option) => option.value === value)
        ? { kind: 'value', value }
        : undefined;
    }
    case 'avatar': {
      const found = await findAvatar(deps.db, order.personId, Number(value));
      return found && { kind: 'value', value: found.id };
    }
    case 'gender': {
      const gender = asGender(value);
      return gender && { kind: 'value', value: gender };
    }
    case 'photos':
    case 'recording':
      return undefined;
    default:
      return assertNever(question);
  }
}

async function optionsOf(
  deps: Reading,
  order: OrderRow,
  question: Question,
): Promise<readonly Option[]> {
  if (question.kind === 'choice') return question.options(deps.catalogue.terms, order.answers);
  if (question.kind !== 'avatar') return [];
  const mine = await listAvatars(deps.db, order.personId);
  return mine.map(({ id, name }) => ({ value: String(id), label: name }));
}

/** A person's avatars that are not deleted, newest first. */
export async function listAvatars(db: Queryable, personId: number) {
  return db
    .select()
    .from(avatars)
    .where(and(eq(avatars.personId, personId), isNull(avatars.deletedAt)))
    .orderBy(desc(avatars.id));
}

async function findAvatar(
  db: Queryable,
  personId: number,
  id: unknown,
): Promise<AvatarRef | undefined> {
  if (typeof id !== 'number') return undefined;
  const found = (await listAvatars(db, personId)).find((avatar) => avatar.id === id);
  if (!found) return undefined;
  const { name, model, triggerWord, gender } = found;
  return { id, name, model, triggerWord, gender };
}

function asGender(value: unknown): Gender | undefined {
  return GENDERS.find((gender) => gender === value);
}
