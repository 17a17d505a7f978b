//! Benchmarks of the connector and its hosts: see `performance/main.rs`.
