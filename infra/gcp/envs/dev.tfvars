# A deployment to try things with: a destroy takes all of it.
delete_data = true
