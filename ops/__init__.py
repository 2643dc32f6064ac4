"""For people: the `clipline` command line, over the library that a console will use too."""
