"""Where texts come from: folders, archives, documents; with a limit on everything."""
