//! Tests of the gateway with a fake connector.
#![allow(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]

mod arguments;
mod callers;
mod configuration;
mod documents;
mod fake;
mod openapi;
mod responses;
