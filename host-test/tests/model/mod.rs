//! What input looks like, and what is expected of it by another way of thinking.

pub mod host;
pub mod json;
pub mod settings;
pub mod story;
