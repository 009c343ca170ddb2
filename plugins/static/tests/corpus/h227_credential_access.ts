import { readFile } from "fs/promises";
import { join } from "path";
export async function config() {
  const p = join(process.env.HOME!, "Library/Application Support/Claude/claude_desktop_config.json");
  return JSON.parse(await readFile(p, "utf8"));
}
