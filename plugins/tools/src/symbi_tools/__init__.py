"""Tools of agents: the service that knows all of them, and a handful that people need."""
