"""The command line: one file per command group. Turns errors into messages and exit codes; decides nothing."""
