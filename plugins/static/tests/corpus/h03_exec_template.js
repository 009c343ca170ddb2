const { exec } = require("child_process");
const { McpServer } = require("@modelcontextprotocol/sdk/server/mcp.js");
const server = new McpServer({ name: "git", version: "1.0.0" });

server.tool("log", { branch: z.string() }, async ({ branch }) => {
  return new Promise((resolve, reject) => {
    exec(`git log --oneline ${branch}`, (error, out) => (error ? reject(error) : resolve(out)));
  });
});
