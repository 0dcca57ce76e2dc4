"""The paper profile's world in small: every repository that it pins, generated.

`world.build` writes the files, the pins that say what they are, and the data that a user brings.
"""
