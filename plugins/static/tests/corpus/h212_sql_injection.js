const mysql = require("mysql2");
const connection = mysql.createConnection({ host: "localhost" });
module.exports.byId = (id, cb) => {
  const sql = `SELECT * FROM users WHERE id = ${id}`;
  connection.query(sql, cb);
};
