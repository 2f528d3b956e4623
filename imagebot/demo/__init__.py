"""The whole story on loopback: servers that start empty, and a world to fill them with.

Only the servers exist for the demo; what runs against them is the code of the real commands
(see cli/demo.py).
"""
