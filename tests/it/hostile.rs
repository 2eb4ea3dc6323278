//! Policies and inputs that are meant to harm, on a real server.

mod limits;
mod neighbours;
