"""Connections and the requests they carry: the only part of the package that opens sockets."""
