const KEY = "sk-proj-Zk3vQ8rT1mXw7LpN5bHc9JdFgS2aYeUo";

export async function summarise(text) {
  const answer = await fetch("https://api.openai.com/v1/chat/completions", {
    method: "POST",
    headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: text }] }),
  });
  return answer.json();
}
