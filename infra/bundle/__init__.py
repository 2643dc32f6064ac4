"""What is deployed as functions: `make bundle`."""
