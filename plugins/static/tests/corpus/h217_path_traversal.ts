import fs from "fs";
import express from "express";
const app = express();
app.get("/file", (req, res) => {
  const p = "./public/" + req.query.name;
  fs.createReadStream(p).pipe(res);
});
