import psycopg2
def rows():
    conn = psycopg2.connect(host="db", user="app", password="q8Zr!t2Lm0xVb7Ws")
    cur = conn.cursor(); cur.execute("SELECT 1"); return cur.fetchall()
