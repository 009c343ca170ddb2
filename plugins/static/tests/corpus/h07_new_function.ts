import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";

const server = new McpServer({ name: "rows", version: "2.0.0" });

function compile(source: string): (row: unknown) => boolean {
  return new Function("row", "return " + source) as (row: unknown) => boolean;
}

server.registerTool("filter_rows", { description: "Filter rows" }, async ({ rows, predicate }: { rows: unknown[]; predicate: string }) => {
  const test = compile(predicate);
  return { content: [{ type: "text", text: JSON.stringify(rows.filter(test)) }] };
});
