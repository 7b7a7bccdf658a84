import { z } from 'zod';
import type { FieldsOutcome } from '../provider.ts';
import type { CallApi } from './call-api.ts';
import { modelRoute, parseModelId } from './model-id.ts';

const inputSchema = z.object({ properties: z.record(z.string(), z.unknown()) });
const versionSchema = z.object({
  openapi_schema: z.object({
    components: z.object({
      schemas: z.object({
        Input: inputSchema.optional().catch(undefined),
        TrainingInput: inputSchema.optional().catch(undefined),
      }),
    }),
  }),
});
const modelSchema = z.object({ latest_version: versionSchema });

/**
 * The fields of a model's live schema: those it is asked with, and those it is trained with where it is
 * a trainer. Whatever keeps us from reading it is `unknown`.
 */
export async function readInputFields(
  callApi: CallApi,
  model: string,
  signal: AbortSignal,
): Promise<FieldsOutcome> {
  const id = parseModelId(model);
  if (!id) return { kind: 'unknown' };
  const answer = await callApi({ route: modelRoute(id) }, signal);
  if (answer.kind !== 'answered') return { kind: 'unknown' };
  const version = id.version
    ? versionSchema.safeParse(answer.body).data
    : modelSchema.safeParse(answer.body).data?.latest_version;
  const { Input, TrainingInput } = version?.openapi_schema.components.schemas ?? {};
  if (!Input && !TrainingInput) return { kind: 'unknown' };
  const fields = { ...Input?.properties, ...TrainingInput?.properties };
  return { kind: 'known', fields: new Set(Object.keys(fields)) };
}
