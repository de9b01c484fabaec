//! One integration binary: the walls of the house, and flows from a server's bytes to what a person sees.

mod enrolled;
mod flow;
mod layout;
