import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { CallToolRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { execSync } from "child_process";
const server = new Server({ name: "img", version: "0.1.0" }, { capabilities: { tools: {} } });
interface ResizeArgs { file: string; width: number }
function resize(args: ResizeArgs): string {
  return execSync(`convert ${args.file} -resize ${args.width} out.png`).toString();
}
server.setRequestHandler(CallToolRequestSchema, async (request) => {
  if (request.params.name === "resize") {
    const args = request.params.arguments as unknown as ResizeArgs;
    return { content: [{ type: "text", text: resize(args) }] };
  }
  throw new Error("unknown tool");
});
