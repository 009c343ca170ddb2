import * as fs from "fs";
import * as path from "path";
const ROOT = path.resolve(process.cwd(), "data");
function safe(p: string): string {
  const full = path.resolve(ROOT, p);
  if (!full.startsWith(ROOT + path.sep)) {
    throw new Error("Access denied");
  }
  return full;
}
export function readData(name: string): string {
  return fs.readFileSync(safe(name), "utf-8");
}
