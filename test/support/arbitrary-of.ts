import fc from 'fast-check';
import { z } from 'zod';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Values a zod schema takes, read off its JSON schema: what is generated follows what is declared. */
export function arbitraryOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  return arbitraryIn(z.toJSONSchema(schema, { io: 'input' }));
}

function arbitraryIn(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((one) => arbitraryIn(one as JsonSchema)));
  // The only schemas that name themselves are those of any JSON.
  if (schema.$ref !== undefined) return fc.jsonValue({ maxDepth: 2 });
  switch (schema.type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return fc.array(arbitraryIn((schema.items ?? {}) as JsonSchema), {
        minLength: schema.minItems ?? 0,
        maxLength: (schema.minItems ?? 0) + 2,
      });
    case 'string':
      return fc.string({
        unit: 'binary',
        minLength: schema.minLength ?? 0,
        maxLength: Math.min(schema.maxLength ?? 12, 12),
      });
    case 'integer':
      return fc.integer({
        min: Math.max(schema.minimum ?? -1_000, -1_000),
        max: Math.min(schema.maximum ?? 2 ** 31, 2 ** 31 - 1),
      });
    case 'number':
      return fc.double({
        min: schema.minimum ?? Number(schema.exclusiveMinimum ?? -1e9),
        minExcluded: schema.exclusiveMinimum !== undefined,
        max: schema.maximum ?? 1e9,
        noNaN: true,
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case undefined:
      return fc.jsonValue({ maxDepth: 1 });
    default:
      throw new Error(`no arbitrary for a schema of type ${schema.type}`);
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }: JsonSchema) {
  const known = fc.record(
    Object.fromEntries(
      Object.entries(properties).map(([name, one]) => [name, arbitraryIn(one as JsonSchema)]),
    ),
    { requiredKeys: required },
  );
  if (typeof additionalProperties !== 'object') return known;
  const key = fc.string({ maxLength: 6 });
  const others = fc.dictionary(key, arbitraryIn(additionalProperties as JsonSchema), { maxKeys: 2 });
  return fc.tuple(others, known).map(([more, fields]) => ({ ...more, ...fields }));
}
