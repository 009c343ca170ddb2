import pg from "pg";
const pool = new pg.Pool();

export async function findUser(email) {
  const result = await pool.query("SELECT * FROM users WHERE email = '" + email + "'");
  return result.rows;
}
