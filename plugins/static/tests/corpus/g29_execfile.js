const { execFile } = require("node:child_process");
const { promisify } = require("node:util");
const run = promisify(execFile);

module.exports.status = async (folder) => {
  const { stdout } = await run("git", ["-C", folder, "status", "--short"]);
  return stdout;
};
