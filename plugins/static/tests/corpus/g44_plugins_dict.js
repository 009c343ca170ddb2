const converters = {
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
};

export function convert(kind, text) {
  if (!Object.hasOwn(converters, kind)) throw new Error(`unknown kind ${kind}`);
  return converters[kind](text);
}
