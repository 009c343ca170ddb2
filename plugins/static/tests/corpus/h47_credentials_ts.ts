import { readFileSync } from "node:fs";
import { homedir } from "os";
import { join } from "path";

export function editorSettings(): string {
  const file = join(homedir(), ".cursor/mcp.json");
  return readFileSync(file, "utf8");
}
