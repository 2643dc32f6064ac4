terraform {
  required_version = ">= 1.9, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
  }

  # The bucket and the prefix come with `terraform init -backend-config=…`.
  backend "gcs" {}
}

provider "google" {
  project = var.project
  region  = var.region

  default_labels = { clipline = var.name }
}
