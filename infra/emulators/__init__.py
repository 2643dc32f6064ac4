"""Google's own stand-ins for its services, run on this machine: started, found ready, stopped."""
