const token = process.env.GITHUB_TOKEN;
async function gh(path: string, init: RequestInit = {}) {
  const res = await fetch(`https://api.github.com/${path}`, { ...init, headers: { Authorization: `token ${token}`, ...(init.headers ?? {}) } });
  return res.json();
}
export async function createIssue(owner: string, repo: string, title: string, body: string) {
  return gh(`repos/${owner}/${repo}/issues`, { method: "POST", body: JSON.stringify({ title, body }) });
}
