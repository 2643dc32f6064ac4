"""The words everybody says: values, events, names and arithmetic shared by every actor."""
