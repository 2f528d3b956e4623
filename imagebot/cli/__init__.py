"""The command line: one module per command, each with `add(commands)` and `run(arguments)`.

Commands are thin: they read arguments, build clients, call one function, print. Results go to
stdout, talk and progress to stderr.
"""
