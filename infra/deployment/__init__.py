"""What the code and `infra/gcp` share, so that neither can drift from the other."""
