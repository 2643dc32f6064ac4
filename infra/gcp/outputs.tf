output "buckets" {
  description = "Names of the buckets, by what is in them."
  value       = local.buckets
}

output "lanes" {
  description = "Lanes that are there, the first choice first."
  value       = local.lanes[*].id
}

output "urls" {
  description = "Of the functions; only their callers may call."
  value       = local.urls
}
