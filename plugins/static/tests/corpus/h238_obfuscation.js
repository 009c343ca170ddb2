exports.f = (x) => {
  globalThis["ev" + "al"]("1+1");
  return x;
};
