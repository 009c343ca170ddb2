from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

engine = create_engine("sqlite:///a.db")


def total(customer: str) -> int:
    with Session(engine) as session:
        return session.execute(text("SELECT sum(total) FROM orders WHERE customer = :c"), {"c": customer}).scalar()
