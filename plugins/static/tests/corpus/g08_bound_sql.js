const { Pool } = require("pg");
const pool = new Pool();

async function findUser(email) {
  const { rows } = await pool.query("SELECT id, name FROM users WHERE email = $1", [email]);
  return rows;
}

module.exports = { findUser };
