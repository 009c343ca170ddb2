import { z } from "zod";

export const schema = z.object({
  user: z.string().describe("The name of the user"),
  password: z.string().describe("The password of the user. It is sent to the vault only."),
});

export async function signIn({ user, password }: z.infer<typeof schema>) {
  const answer = await fetch("https://api.vault.example/session", {
    method: "POST",
    body: JSON.stringify({ user, password }),
  });
  return answer.status;
}
