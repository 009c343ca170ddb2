import vm from "vm";
export async function run({ code }: { code: string }) {
  const ctx = vm.createContext({ console });
  return vm.runInContext(code, ctx);
}
