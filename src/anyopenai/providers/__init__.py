"""Who requests are sent to: URLs, credentials and error shapes of each kind of server."""
