import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
const BASE = "https://api.weather.gov";
const server = new McpServer({ name: "weather", version: "1.0.0" });
async function nws<T>(url: string): Promise<T | null> {
  try {
    const response = await fetch(url, { headers: { "User-Agent": "x/1.0" } });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return (await response.json()) as T;
  } catch (error) {
    console.error("failed:", error);
    return null;
  }
}
server.tool("alerts", "Get alerts for a state", { state: z.string().length(2) }, async ({ state }) => {
  const url = `${BASE}/alerts?area=${state.toUpperCase()}`;
  const data = await nws<any>(url);
  return { content: [{ type: "text", text: JSON.stringify(data) }] };
});
