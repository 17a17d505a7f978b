//! What the gateway promises, tried with a connector that is played.
#![allow(clippy::arithmetic_side_effects, reason = "a test may well panic")]

mod answers;
mod arguments;
mod callers;
mod configuration;
mod documents;
mod fake;
mod openapi;
