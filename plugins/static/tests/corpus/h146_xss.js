exports.page = function (args) {
  const name = args.name;
  return `<html><body><h1>${name}</h1></body></html>`;
};
