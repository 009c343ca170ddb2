"""The command line: a lazy shell around commands that plugins offer; `--help` imports neither Litestar nor any command's module."""
