import { readFile } from "node:fs/promises";
import path from "node:path";

const ROOT = path.resolve("templates");

export async function template(name: string): Promise<string> {
  const file = path.resolve(ROOT, name);
  const inside = path.relative(ROOT, file);
  if (inside.startsWith("..") || path.isAbsolute(inside)) {
    throw new Error("outside the template folder");
  }
  return readFile(file, "utf8");
}
