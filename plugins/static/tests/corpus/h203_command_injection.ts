import { spawn } from "child_process";
export const tools = [
  {
    name: "npm_info",
    description: "Package info",
    handler: async (args: { pkg: string }) => {
      const child = spawn(`npm view ${args.pkg}`, { shell: true });
      return child;
    },
  },
];
