"""One shared model for many sessions: scheduling, request statistics, result cache and store."""
