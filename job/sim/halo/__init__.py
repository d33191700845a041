"""A Halo that is not there: servers, issues and scans, answered as the live API answers."""
