"""One small intermediate form for Python, JavaScript and TypeScript, so that one engine follows the flow in all of them."""
