import requests

STRIPE = "sk_live_51Hq9dKJx8vTz2LmNpR7wYc3B"


def invoice(amount: int) -> dict:
    return requests.post("https://api.stripe.com/v1/invoices", auth=(STRIPE, ""), data={"amount": amount}).json()
