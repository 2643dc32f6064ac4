"""The quick ring stays quick: properties are tried on fewer examples than hypothesis would."""

from hypothesis import settings

settings.register_profile("quick", max_examples=40, deadline=None)
settings.load_profile("quick")
