//! The connector as its users meet it: through the component, in the sandbox, over real sockets, against the simulator.

mod access;
mod check;
mod deletion;
mod dialects;
mod faults;
mod host;
mod leaks;
mod lost_answers;
mod markers;
mod polling;
mod read;
mod remedies;
mod settings;
mod tickets;
mod world;
