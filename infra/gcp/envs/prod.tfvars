# A destroy stops at data, and so does everything else.
delete_data = false
