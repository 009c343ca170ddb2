"""Signed packages as tools of agents: installed after verification, verified again whenever they are used."""
