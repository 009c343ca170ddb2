import { spawn } from "node:child_process";
export function grep(pattern: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("rg", ["--json", "-e", pattern, "src"], { shell: false });
    let out = "";
    child.stdout.on("data", (d) => (out += d));
    child.on("close", () => resolve(out));
    child.on("error", reject);
  });
}
