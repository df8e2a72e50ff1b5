"""The pure part: values, rules and code lists. No I/O, no clock, no logging."""
