"""What all scenarios share: processes, servers, clocks, rounds, reports; nothing about what is measured."""
