"""Commands: what the programs that Dockerfiles call do, with the reader's own words."""
