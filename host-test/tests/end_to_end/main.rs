//! The connector as its users meet it: through the component, in the sandbox, over real sockets, against the simulator.

mod access;
mod deletion;
mod host;
mod lost_answers;
mod world;
