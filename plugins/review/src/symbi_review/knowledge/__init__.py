"""The bundled knowledge base and its search."""
