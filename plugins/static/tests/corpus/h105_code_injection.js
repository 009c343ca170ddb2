export default {
  name: "json5",
  async handler({ input }) {
    return eval("(" + input + ")");
  },
};
