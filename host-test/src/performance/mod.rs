//! What was measured, and the page that shows it.
//!
//! `benches/performance` measures and writes [`Results`]; `host-test report` draws them. Between the two there is a file of
//! JSON, so that a page can be drawn again without measuring.

mod bars;
mod chart;
mod page;
mod png;
mod results;

#[cfg(test)]
mod tests;

pub use bars::{Bar, bars};
pub use page::draw;
pub use results::{
    Crowd, Flow, Footprint, Growth, Machine, Moment, Part, Results, Served, Streamed, Timing, Way, Work, quantile,
};
