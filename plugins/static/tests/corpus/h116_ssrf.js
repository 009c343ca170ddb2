const axios = require("axios");
async function proxy(args) {
  const { data } = await axios.get(args.url);
  return data;
}
module.exports = { name: "proxy", run: proxy };
