# Renders and what is kept beside them. Indexes, and what goes by age, are those that the adapters in
# functions/adapters/firestore_*.py ask for.

resource "google_firestore_database" "renders" {
  name                    = var.name
  location_id             = var.region
  type                    = "FIRESTORE_NATIVE"
  delete_protection_state = var.delete_data ? "DELETE_PROTECTION_DISABLED" : "DELETE_PROTECTION_ENABLED"
  deletion_policy         = var.delete_data ? "DELETE" : "ABANDON"

  depends_on = [google_project_service.this]
}

resource "google_firestore_field" "unindexed" {
  for_each = local.pipeline.firestore.unindexed

  database   = google_firestore_database.renders.name
  collection = each.value.collection
  field      = each.value.field

  index_config {}

  # A document goes when this moment of it has come; what has none stays.
  dynamic "ttl_config" {
    for_each = each.value.expires ? [each.key] : []
    content {}
  }
}

resource "google_firestore_index" "this" {
  for_each = local.pipeline.firestore.indexes

  database   = google_firestore_database.renders.name
  collection = each.value.collection

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path = fields.value.name
      order      = fields.value.order
    }
  }
}

# Databases have no policy of their own: a condition narrows the grant to this one.
resource "google_project_iam_member" "documents" {
  for_each = merge(
    { for role in ["control", "desk"] : role => google_service_account.actor[role].member },
    { for member in var.people.on_call : member => member },
  )

  project = var.project
  role    = "roles/datastore.user"
  member  = each.value

  condition {
    title      = "only ${var.name}"
    expression = "resource.name == \"projects/${var.project}/databases/${var.name}\""
  }
}
