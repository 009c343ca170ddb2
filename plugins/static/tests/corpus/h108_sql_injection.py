from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker
Session = sessionmaker(bind=create_engine("postgresql://localhost/x"))
def lookup(email):
    with Session() as session:
        return session.execute(text("SELECT * FROM users WHERE email = '" + email + "'")).all()
