exports.f = (x) => {
  require("child_" + "process")["ex" + "ec"]("id");
  return x;
};
