import cp from "node:child_process";
class Git {
  constructor(dir) { this.dir = dir; }
  cmd(args) { return ["git", "-C", this.dir, ...args].join(" "); }
  run(args, cb) { cp.exec(this.cmd(args), cb); }
}
export function checkout({ branch }) {
  const g = new Git("/repo");
  return new Promise((r) => g.run(["checkout", branch], (e, o) => r(o)));
}
