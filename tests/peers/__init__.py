"""What Celery, Dramatiq and Huey do in `make bench-transitions`, run by their own Python."""
